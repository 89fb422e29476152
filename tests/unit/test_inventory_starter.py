"""``kubeinstall init``'s starter inventory."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.starter import Target, parse_target, starter
from kubeinstall.releases import DEFAULT

pytestmark = pytest.mark.unit

NAMES = {"node-a.example.org": IPv4Address("10.0.0.5"), "Node_B": IPv4Address("10.0.0.6")}


def resolve(name: str) -> IPv4Address:
    try:
        return NAMES[name]
    except KeyError:
        raise OSError(f"no {name}") from None


def loaded(folder: Path, *targets: str) -> Cluster:
    """The cluster of the starter with these hosts; there must be no warning either."""
    path = folder / "kubeinstall.yaml"
    path.write_text(starter([parse_target(target, resolve) for target in targets]))
    cluster, findings = load_with_warnings(path, {})
    assert findings == ()
    return cluster


def test_without_hosts(tmp_path: Path) -> None:
    cluster = loaded(tmp_path)
    assert cluster.version == DEFAULT
    assert [host.name for host in cluster.hosts] == ["cp1", "w1", "w2"]


def test_hosts_users_and_ports(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, "admin@10.1.0.1", "admin@10.1.0.2:2222", "10.1.0.3")
    assert [(h.name, h.address, h.ssh.user, h.ssh.port) for h in cluster.hosts] == [
        ("cp1", "10.1.0.1", "admin", 22),
        ("w1", "10.1.0.2", "admin", 2222),
        ("w2", "10.1.0.3", "root", 22),
    ]
    assert len(cluster.control_planes) == 1


@pytest.mark.parametrize("user", ["me@corp.example", "CORP\\me", "me+admin"])
def test_logins_of_directories(tmp_path: Path, user: str) -> None:
    assert loaded(tmp_path, f"{user}@10.1.0.1:2222").first.ssh.user == user


def test_one_host_runs_pods_too(tmp_path: Path) -> None:
    assert loaded(tmp_path, "10.1.0.1").first.taints == ()


def test_names_become_addresses(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, "node-a.example.org", "Node_B")
    assert [(h.name, h.address) for h in cluster.hosts] == [
        ("node-a", "10.0.0.5"),
        ("w1", "10.0.0.6"),
    ]


def test_networks_keep_clear_of_the_hosts(tmp_path: Path) -> None:
    cluster = loaded(tmp_path, "10.244.3.4", "10.96.0.9")
    assert str(cluster.spec.network.pods) == "172.20.0.0/16"
    assert str(cluster.spec.network.services) == "10.32.0.0/16"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "[USER@]HOST[:PORT]"),
        ("@10.0.0.1", "[USER@]HOST[:PORT]"),
        ("a b@10.0.0.1", "[USER@]HOST[:PORT]"),
        ("10.0.0.1:ssh", "[USER@]HOST[:PORT]"),
        ("10.0.0.1:0", "not a port"),
        ("10.0.0.1:70000", "not a port"),
        ("10.0.0.256", "not an IPv4 address"),
        ("fd00::1", "[USER@]HOST[:PORT]"),
        ("127.0.0.1", "loopback"),
        ("nowhere.example.org", "cannot be resolved"),
    ],
)
def test_what_is_no_host(text: str, told: str) -> None:
    with pytest.raises(KubeinstallError) as raised:
        parse_target(text, resolve)
    assert told in str(raised.value)


def test_a_host_named_twice() -> None:
    target = Target("root", IPv4Address("10.0.0.1"), 22)
    with pytest.raises(KubeinstallError, match="given twice"):
        starter([target, target])
