"""Defaults, group and host: the nearest wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import Cluster, Role

pytestmark = pytest.mark.unit

TEXT = """\
cluster: {kubernetes: 1.36.2}
defaults:
  ssh: {user: admin, port: 2222, host_keys: accept-new}
  labels: {level: defaults, site: north}
  taints: [{key: a, effect: NoSchedule}]
  kubelet:
    extra_args: {v: 2, max-pods: 50}
    config: {evictionHard: {memory.available: 100Mi, nodefs.available: 10%}}
groups:
  workers:
    ssh: {port: 22}
    labels: {level: group}
    hosts:
      w2:
        address: 10.0.0.22
        hostname: node-two
        node_ip: 192.0.2.22
        ssh: {user: root}
        labels: {level: host, rack: r7}
        taints: []
        kubelet:
          extra_args: {v: 4}
          config: {evictionHard: {memory.available: 1Gi}, maxPods: 9}
      w1: {address: 10.0.0.21}
  control_plane:
    taints: null
    hosts:
      cp1: {address: 10.0.0.11}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    path = tmp_path / "kubeinstall.yaml"
    path.write_text(TEXT)
    return load(path, {})


def test_control_planes_first_then_the_order_of_the_file(cluster: Cluster) -> None:
    assert [host.name for host in cluster.hosts] == ["cp1", "w2", "w1"]
    assert [host.role for host in cluster.hosts] == [
        Role.CONTROL_PLANE,
        Role.WORKER,
        Role.WORKER,
    ]
    assert cluster.first.name == "cp1"


def test_ssh_setting_by_setting(cluster: Cluster) -> None:
    w1, w2, cp1 = (cluster.host(name).ssh for name in ("w1", "w2", "cp1"))
    assert (w1.user, w1.port, w1.host_keys) == ("admin", 22, "accept-new")
    assert (w2.user, w2.port, w2.host_keys) == ("root", 22, "accept-new")
    assert (cp1.user, cp1.port) == ("admin", 2222)


def test_labels_and_kubelet_key_by_key(cluster: Cluster) -> None:
    w1, w2 = cluster.host("w1"), cluster.host("w2")
    assert w1.labels == {"level": "group", "site": "north"}
    assert w2.labels == {"level": "host", "site": "north", "rack": "r7"}
    assert w2.kubelet.extra_args == {"v": 4, "max-pods": 50}
    assert w2.kubelet.config == {
        "evictionHard": {"memory.available": "1Gi", "nodefs.available": "10%"},
        "maxPods": 9,
    }


def test_taints_are_replaced_and_null_is_kubeadms_own(cluster: Cluster) -> None:
    assert [taint.key for taint in cluster.host("w1").taints or ()] == ["a"]
    assert cluster.host("w2").taints == ()
    assert cluster.host("cp1").taints is None


def test_names_and_addresses(cluster: Cluster) -> None:
    w2 = cluster.host("w2")
    assert (w2.hostname, w2.address, w2.node_ip) == ("node-two", "10.0.0.22", "192.0.2.22")


def test_an_unknown_host(cluster: Cluster) -> None:
    with pytest.raises(KeyError):
        cluster.host("w3")


def test_commands_name_the_inventory_file_as_a_shell_takes_it(cluster: Cluster) -> None:
    there = cluster.replaced(inventory_file=Path("my files/lab.yaml"))
    assert (
        there.command("up", "--limit", "w1") == "kubeinstall up -i 'my files/lab.yaml' --limit w1"
    )
    assert cluster.replaced(inventory_file=None).command("reset") == "kubeinstall reset -i FILE"
