"""What storage addons, MetalLB and Headlamp decide by themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.render.test_addons import rendered

pytestmark = pytest.mark.render


def of(name: str, case: str, kind: str) -> list[dict[str, Any]]:
    return [d for d in rendered(name, case, "1.37") if d["kind"] == kind]


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
