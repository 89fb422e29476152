"""What storage addons, MetalLB and Headlamp decide by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.render.test_addons import rendered

pytestmark = pytest.mark.render

RIGHTS = Path(__file__).parent / "rights"
"""What each addon's upstream asks for, by addon."""
Grants = dict[str, set[str]]
"""``RESOURCE.GROUP`` to verbs."""


def of(name: str, case: str, kind: str) -> list[dict[str, Any]]:
    return [d for d in rendered(name, case, "1.37") if d["kind"] == kind]


def grants(roles: Iterable[Mapping[str, Any]]) -> Grants:
    found: Grants = {}
    for role in roles:
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    named = f"{resource}.{group}".rstrip(".")
                    found.setdefault(named, set()).update(rule["verbs"])
    return found


def beyond(ours: Grants, theirs: Grants) -> dict[str, set[str]]:
    """What we grant and they do not."""
    everything = theirs.get("*.*", set())
    more = {r: v - theirs.get(r, everything) for r, v in ours.items()}
    return {
        resource: verbs
        for resource, verbs in more.items()
        if verbs and "*" not in theirs.get(resource, everything)
    }


@pytest.mark.parametrize(
    ("name", "case"),
    [("local-path", "default"), ("nfs", "server"), ("metallb", "bgp"), ("headlamp", "default")],
)
def test_no_right_that_upstream_does_not_ask_for(name: str, case: str) -> None:
    asked = yaml.safe_load((RIGHTS / f"{name}.yaml").read_text())
    everywhere = {r: set(v) for r, v in asked["cluster"].items()}
    inside = {r: set(v) | everywhere.get(r, set()) for r, v in asked.get("namespace", {}).items()}
    assert beyond(grants(of(name, case, "ClusterRole")), everywhere) == {}
    assert beyond(grants(of(name, case, "Role")), {**everywhere, **inside}) == {}


def test_headlamp_itself_has_no_rights() -> None:
    subjects = [
        subject["name"]
        for case in ("default", "ingress", "no-login")
        for kind in ("ClusterRoleBinding", "RoleBinding")
        for binding in of("headlamp", case, kind)
        for subject in binding["subjects"]
    ]
    assert set(subjects) == {"headlamp-login"}
    assert of("headlamp", "no-login", "ClusterRoleBinding") == []
    [binding, *_] = of("headlamp", "default", "ClusterRoleBinding")
    assert binding["roleRef"]["name"] == "view"


def test_local_path_config_is_what_its_program_reads() -> None:
    [config] = of("local-path", "nodes", "ConfigMap")
    assert json.loads(config["data"]["config.json"]) == {
        "nodePathMap": [
            {"node": "n1", "paths": ["/data1", "/data2"]},
            {"node": "n2", "paths": []},
            {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/srv/volumes"]},
        ]
    }
    pod = yaml.safe_load(config["data"]["helperPod.yaml"])
    [container] = pod["spec"]["containers"]
    assert container["image"] == "mirror.example.org/docker.io/library/busybox:1.37.0"


def test_each_pool_is_announced_as_it_says() -> None:
    [bgp] = of("metallb", "bgp", "BGPAdvertisement")
    [l2] = of("metallb", "bgp", "L2Advertisement")
    assert bgp["spec"] == {"ipAddressPools": ["office"]}
    assert l2["spec"] == {"ipAddressPools": ["lan"], "interfaces": ["eth1"]}
    first, second = of("metallb", "bgp", "BGPPeer")
    assert first["spec"] == {"myASN": 64501, "peerASN": 64500, "peerAddress": "192.0.2.1"}
    assert second["spec"]["peerPort"] == 1790
    assert second["spec"]["passwordSecret"] == {"name": "router2"}


def speaker(case: str) -> list[str]:
    [found] = of("metallb", case, "DaemonSet")
    args: list[str] = found["spec"]["template"]["spec"]["containers"][0]["args"]
    return args


def test_control_planes_announce_only_when_asked() -> None:
    assert "--ignore-exclude-lb" not in speaker("l2")
    assert "--ignore-exclude-lb" in speaker("bgp")
