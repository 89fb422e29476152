"""What storage addons, MetalLB and Headlamp decide by themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from kubeinstall.addons import builder as building
from kubeinstall.addons.downloads import Downloads
from kubeinstall.addons.objects import Object
from kubeinstall.addons.render import render_all
from kubeinstall.addons.upstream import Upstream
from kubeinstall.inventory.catalogue.chosen import Chosen, chosen
from tests.render.test_addons import rendered
from tests.unit.clusters import cluster

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


def test_the_pods_that_make_folders_have_an_account_without_rights() -> None:
    [deployment] = of("local-path", "default", "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    name = container["command"][container["command"].index("--service-account-name") + 1]
    accounts = {a["metadata"]["name"]: a for a in of("local-path", "default", "ServiceAccount")}
    assert accounts[name]["automountServiceAccountToken"] is False
    bindings = [*of("local-path", "default", "RoleBinding")]
    bindings += of("local-path", "default", "ClusterRoleBinding")
    assert name not in {s["name"] for b in bindings for s in b["subjects"]}


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


UPSTREAM = """
apiVersion: v1
kind: Namespace
metadata: {name: longhorn-system}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: longhorn-default-setting, namespace: longhorn-system}
data: {default-setting.yaml: theirs}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: longhorn-storageclass, namespace: longhorn-system}
data: {storageclass.yaml: theirs}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: longhorn-manager, namespace: longhorn-system}
spec:
  template:
    spec:
      containers:
        - name: longhorn-manager
          image: docker.io/longhornio/longhorn-manager:v1.12.1
          command: [manager, --engine-image, "docker.io/longhornio/longhorn-engine:v1.12.1"]
          env: [{name: CSI_ATTACHER_IMAGE, value: "docker.io/longhornio/csi-attacher:v4.12.0"}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: bgppeers.metallb.io}
spec: {group: metallb.io, names: {kind: BGPPeer}, scope: Namespaced}
"""
"""What the patches are for, in the names that upstream gives it."""


class StandIn(Upstream):
    """Objects like those that upstream publishes, instead of a download."""

    def _upstream(self, one: Chosen) -> list[Object]:
        group = {"longhorn": "longhorn", "metallb": "metallb.io"}[one.name]
        return [d for d in yaml.safe_load_all(UPSTREAM) if group in d["metadata"]["name"]]


def patched(name: str, **settings: Any) -> dict[str, Object]:
    """The objects of an addon that upstream's own are among, by name."""
    images = {"docker.io": "mirror.example.org/hub"}
    made = cluster(addons={name: {"values": settings}}, images=images)
    sources = StandIn(Downloads(), building.first(building.here))
    [done] = render_all(made, chosen(made), sources)
    return {document["metadata"]["name"]: document for document in done.objects}


def test_longhorn_is_set_by_what_its_manager_reads() -> None:
    made = patched(
        "longhorn", default=False, replicas=1, settings={"default-data-path": "/d", "x": "true"}
    )
    namespace = made["longhorn-system"]["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    settings = yaml.safe_load(made["longhorn-default-setting"]["data"]["default-setting.yaml"])
    assert settings["default-data-path"] == "/d"
    assert settings["x"] == "true"
    assert settings["default-replica-count"] == "1"
    kept = yaml.safe_load(made["longhorn-storageclass"]["data"]["storageclass.yaml"])
    default = kept["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"]
    assert (kept["kind"], default) == ("StorageClass", "false")
    assert kept["parameters"]["numberOfReplicas"] == "1"


def test_images_in_arguments_and_variables_follow_the_inventory() -> None:
    template = patched("longhorn")["longhorn-manager"]["spec"]["template"]["spec"]
    [container] = template["containers"]
    hub = "mirror.example.org/hub/longhornio"
    assert container["image"] == f"{hub}/longhorn-manager:v1.12.1"
    assert container["command"][-1] == f"{hub}/longhorn-engine:v1.12.1"
    assert container["env"][0]["value"] == f"{hub}/csi-attacher:v4.12.0"


def test_both_versions_of_a_bgp_peer_are_served() -> None:
    made = patched("metallb", pools=[{"name": "main", "addresses": ["192.0.2.0/28"]}])
    webhook = made["bgppeers.metallb.io"]["spec"]["conversion"]["webhook"]
    service = webhook["clientConfig"]["service"]
    assert (service["namespace"], service["path"]) == ("metallb-system", "/convert")
    assert service["name"] in made
