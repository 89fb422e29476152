"""What an inventory's values mean together, where the malformed examples do not show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.inventory.load import load_with_warnings

pytestmark = pytest.mark.unit


def inventory(cluster: str = "", workers: str = "", kubernetes: str = "1.36.2") -> str:
    return (
        f"cluster:\n  kubernetes: {kubernetes}\n{cluster}"
        "groups:\n  control_plane:\n    hosts:\n      cp1: {address: 10.0.0.11}\n"
        f"  workers:\n    hosts:\n      w1: {{address: 10.0.0.21}}\n{workers}"
    )


def findings(folder: Path, text: str) -> tuple[Finding, ...]:
    path = folder / "kubeinstall.yaml"
    path.write_text(text)
    try:
        return load_with_warnings(path, {})[1]
    except KubeinstallError as error:
        return error.findings


@pytest.mark.parametrize(
    ("kubernetes", "cluster", "told"),
    [
        ("1.20.0", "  packages: {url: https://p.example.org}\n", ""),
        ("1.37.1", "", ""),
        ("1.19.9", "  packages: {url: https://p.example.org}\n", "unknown"),
        ("1.38.0", "", "unknown"),
        ("2.0.0", "", "unknown"),
        ("1.24.0", "", ""),
        ("1.23.0", "", "pkgs.k8s.io"),
        ("1.23.17", "  runtime: {name: docker}\n  packages: {url: https://p.example.org}\n", ""),
        ("1.24.0", "  runtime: {name: docker}\n", ""),
        ("1.31.0", "  kube_proxy: {mode: nftables}\n", ""),
        ("1.30.9", "  kube_proxy: {mode: nftables}\n", "nftables"),
        ("1.34.0", "  kube_proxy: {mode: ipvs}\n", ""),
        ("1.35.0", "  kube_proxy: {mode: ipvs}\n", "deprecated"),
        ("1.31.0", "  kubeadm: {certificate_validity: 8760h}\n", ""),
        ("1.30.0", "  kubeadm: {certificate_validity: 8760h}\n", "v1beta4"),
    ],
)
def test_versions(tmp_path: Path, kubernetes: str, cluster: str, told: str) -> None:
    found = findings(tmp_path, inventory(cluster, kubernetes=kubernetes))
    assert [told in str(f) for f in found] == ([True] if told else [])


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("pods: 10.244.0.0/23", ""),
        ("pods: 10.244.0.0/24", "room for 1"),
        ("pods: 10.244.0.0/25", "room for 0"),
        ("services: 172.16.0.0/12", ""),
        ("services: 172.0.0.0/11", "too large"),
        ("services: 172.16.0.0/28", ""),
        ("services: 172.16.0.0/29", "too small"),
    ],
)
def test_network_sizes(tmp_path: Path, network: str, told: str) -> None:
    found = findings(tmp_path, inventory(f"  network: {{{network}}}\n"))
    assert [told in f.what for f in found] == ([True] if told else [])


def test_a_suggested_network_is_free(tmp_path: Path) -> None:
    taken = "  network: {pods: 10.0.0.0/8, services: 172.16.0.0/12}\n"
    [first, _] = findings(tmp_path, inventory(taken))
    assert first.next == "change cluster.network.pods, e.g. to 192.168.0.0/16"


@pytest.mark.parametrize("count", [2, 4])
def test_an_even_number_of_control_planes(tmp_path: Path, count: int) -> None:
    more = "".join(f"      cp{n}: {{address: 10.0.1.{n}}}\n" for n in range(2, count + 1))
    text = inventory("  endpoint: {host: api}\n").replace("  workers:", more + "  workers:")
    [finding] = findings(tmp_path, text)
    assert f"even number of hosts: {count}" in finding.what
    assert "majority" in finding.why


def test_one_address_behind_two_ports_with_addresses_inside(tmp_path: Path) -> None:
    more = "      w2: {address: 10.0.0.21, node_ip: 192.0.2.2, ssh: {port: 2222}}\n"
    assert findings(tmp_path, inventory(workers=more)) == ()


@pytest.mark.parametrize(
    ("labels", "fine"),
    [
        ("node-role.kubernetes.io/worker: ''", True),
        ("example.org/a_b.c-d: X_1", True),
        ("a/b/c: d", False),
        ("/a: b", False),
        ("a/: b", False),
        ("a: -b", False),
        ("node-role.kubernetes.io/master: ''", False),
        ("beta.kubernetes.io/arch: arm64", False),
    ],
)
def test_labels(tmp_path: Path, labels: str, fine: bool) -> None:
    more = f"      w2: {{address: 10.0.0.22, labels: {{{labels}}}}}\n"
    assert (findings(tmp_path, inventory(workers=more)) == ()) is fine


def test_pods_that_have_nowhere_to_run(tmp_path: Path) -> None:
    alone = inventory().partition("  workers:")[0]
    [warning] = findings(tmp_path, alone)
    assert warning.severity == "warning"
    assert "taints: []" in warning.next


def test_what_hangs_on_a_wrong_value_is_not_guessed_at(tmp_path: Path) -> None:
    """Without a version, nothing is said of docker; the networks are still compared."""
    text = inventory(
        "  runtime: {name: docker}\n  network: {pods: 10.0.0.0/16}\n", kubernetes="newest"
    )
    assert [f.what.partition(":")[0] for f in findings(tmp_path, text)] == [
        "cluster.kubernetes",
        "groups.control_plane.hosts.cp1.address",
        "groups.workers.hosts.w1.address",
    ]


def test_same_kubelet_settings_are_no_conflict(tmp_path: Path) -> None:
    config = "{cgroupDriver: systemd, clusterDNS: [10.96.0.10], clusterDomain: cluster.local}"
    more = f"      w2: {{address: 10.0.0.22, kubelet: {{config: {config}}}}}\n"
    assert findings(tmp_path, inventory(workers=more)) == ()
