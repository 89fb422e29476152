"""A node is parsed once; what does not fit its type is not known."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.cluster import nodes
from kubeinstall.cluster.node import SOCKET, Condition, Node, parsed
from kubeinstall.cluster.nodes import Nodes, Standing
from kubeinstall.cluster.settings import Settings
from kubeinstall.operations.nodes import CORDONED, Taint
from kubeinstall.releases import Version
from tests.unit.clusters import cluster
from tests.unit.operating import run, with_programs
from tests.unit.played_cluster import nodes_of, told

pytestmark = pytest.mark.unit

OBJECT: dict[str, Any] = {
    "metadata": {
        "name": "w1",
        "labels": {
            "kubernetes.io/hostname": "w1",
            "node-role.kubernetes.io/control-plane": "",
            "disk": "ssd",
        },
        "annotations": {SOCKET: "/var/run/dockershim.sock", CORDONED: "true"},
    },
    "spec": {
        "podCIDR": "10.244.1.0/24",
        "unschedulable": True,
        "taints": [{"key": "app", "value": "db", "effect": "NoSchedule"}],
    },
    "status": {
        "addresses": [
            {"type": "Hostname", "address": "w1"},
            {"type": "InternalIP", "address": "fd00::1"},
            {"type": "InternalIP", "address": "10.0.0.11"},
        ],
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "NotReady", "message": "cni"},
            {"type": "Ready", "status": "True"},
        ],
        "nodeInfo": {"kubeletVersion": "v1.36.2", "containerRuntimeVersion": "containerd://2.1.4"},
    },
}


def with_part(part: str, **changed: object) -> dict[str, Any]:
    return {**OBJECT, part: {**OBJECT[part], **changed}}


def test_all_that_is_known_of_a_node() -> None:
    (node,) = parsed([OBJECT])
    assert (node.name, node.hostname, node.version) == ("w1", "w1", Version(1, 36, 2))
    assert node.roles == {"control-plane"}
    assert (node.is_control_plane, node.is_ready, node.is_cordoned_by_us) == (True, False, True)
    # kubeadm's note comes before the kubelet's word.
    assert (node.runtime, node.runtime_version) == ("docker", "containerd://2.1.4")
    assert node.address == IPv4Address("10.0.0.11")
    assert node.pod_cidr == IPv4Network("10.244.1.0/24")
    assert node.labels["disk"] == "ssd"
    assert node.taints == (Taint("app", "NoSchedule", "db"),)
    assert node.condition("Ready") == Condition("False", "NotReady", "cni")
    assert node.condition("DiskPressure") == Condition()
    assert (node.unschedulable, node.faults) == (True, ())


def test_a_bare_node_has_nothing() -> None:
    assert parsed([{"metadata": {"name": "w1"}}]) == (Node("w1"),)


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        {},
        {"metadata": {"name": "W1"}},
        {"metadata": {"name": 1}},
        {**OBJECT, "status": [1]},
        {**OBJECT, "spec": "x"},
        with_part("metadata", labels={"a": 1}),
        with_part("metadata", annotations=["a"]),
        with_part("spec", taints={"key": "a"}),
        with_part("spec", taints=[{"key": "a"}]),
        with_part("status", nodeInfo="x"),
    ],
)
def test_what_is_no_node_is_left_out(item: object) -> None:
    assert parsed([item]) == ()


@pytest.mark.parametrize(
    ("part", "changed", "faults"),
    [
        ("spec", {"podCIDR": "10.244.1.7/24"}, ("its podCIDR is '10.244.1.7/24'",)),
        (
            "status",
            {"addresses": [{"type": "InternalIP", "address": "10.0.0"}]},
            ("its InternalIP is '10.0.0'",),
        ),
        ("status", {"addresses": "x"}, ("its addresses are 'x'",)),
        ("status", {"nodeInfo": {"kubeletVersion": "new"}}, ()),
        ("status", {"conditions": [7, {"type": "Ready"}, {"status": {}}]}, ()),
    ],
)
def test_what_does_not_fit_is_not_known(
    part: str, changed: dict[str, object], faults: tuple[str, ...]
) -> None:
    (node,) = parsed([with_part(part, **changed)])
    assert node.faults == faults
    assert (node.pod_cidr is None) is ("podCIDR" in changed)
    assert (node.address is None) is ("addresses" in changed)
    assert (node.version is None) is ("nodeInfo" in changed)
    assert not node.is_ready


def test_the_first_of_two_nodes_of_one_name_counts() -> None:
    other = with_part("spec", podCIDR="10.244.9.0/24")
    (node,) = parsed([OBJECT, other])
    assert node.pod_cidr == IPv4Network("10.244.1.0/24")


def test_the_clusters_nodes_and_its_control_planes() -> None:
    made = cluster(control_planes=3)
    found = Nodes.parse(told(made, nodes_of(made)), "cp2")
    assert (found.standing, found.host) == (Standing.ANSWERED, "cp2")
    assert [node.name for node in found.control_planes] == ["cp1", "cp2", "cp3"]
    assert found.names == frozenset(host.hostname for host in made.hosts)
    assert found.addresses["w2"] == IPv4Address("10.0.0.12")
    assert found.node("w9") is None
    assert found.fault("w9") == ""


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("10.0.0.2:5000/kube-apiserver:v1.20.2", "1.20.2"),
        ("registry.k8s.io/kube-apiserver:v1.36.2", "1.36.2"),
        ("registry.k8s.io/kube-apiserver:v1.36.2@sha256:00", "1.36.9"),
        ("registry.k8s.io/kube-apiserver:latest", "1.36.9"),
        (None, "1.36.9"),
    ],
)
def test_the_version_of_the_api_server_is_that_of_its_image(
    tmp_path: Path, image: str | None, version: str
) -> None:
    """Where its tag is none, the API server is asked."""
    manifest = tmp_path / "kube-apiserver.yaml"
    if image:
        manifest.write_text(f"spec:\n  containers:\n  - image: x/etcd:v9\n    image: {image}\n")
    (tmp_path / "kubectl").write_text('#!/bin/sh\necho \'{"gitVersion": "v1.36.9"}\'\n')
    (tmp_path / "kubectl").chmod(0o755)
    text = nodes._VERSION.replace(nodes._MANIFEST, str(manifest))
    found = Settings.parse({}, run(with_programs(text, tmp_path)))
    assert str(found.version) == version
