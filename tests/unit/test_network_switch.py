"""A live cluster keeps its pod network; what another one left on a host does not win."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.cluster.nodes import Nodes
from kubeinstall.facts.cni import CniFiles, PodRoutes
from kubeinstall.findings import Finding
from kubeinstall.operations import backups, cni
from kubeinstall.preflight.pod_networks import another_addon, another_file, behind_a_router
from kubeinstall.preflight.probe import Probe, script
from tests.unit.clusters import cluster
from tests.unit.operating import commands, run, texts

pytestmark = pytest.mark.unit

FLANNEL, BRIDGE = "10-flannel.conflist", "10-kubeinstall.conflist"


def by_files(plugin: str, *files: str, node: bool = True) -> list[Finding]:
    made = cluster(network={"plugin": plugin})
    return list(another_file(made, made.first, Probe(node=node, cni=frozenset(files))))


def test_another_network_on_a_node_is_refused_with_the_safe_way() -> None:
    [finding] = by_files("calico", FLANNEL, "99-loopback.conf")
    assert finding.what == "the cluster's pod network is flannel, but the inventory says calico"
    assert finding.severity == "error"
    assert "can no longer reach each other" in finding.why
    assert "network: {plugin: flannel}" in finding.next
    assert "kubeinstall reset" in finding.next


@pytest.mark.parametrize(
    ("plugin", "files"),
    [
        ("flannel", [FLANNEL]),
        ("flannel", []),
        ("flannel", ["87-podman-bridge.conflist"]),
        ("flannel", [FLANNEL, BRIDGE]),  # the first is the one that counts
        ("bridge", [BRIDGE]),
        ("none", [FLANNEL]),  # the user's own
    ],
)
def test_the_same_network_is_not(plugin: str, files: list[str]) -> None:
    assert by_files(plugin, *files) == []


def test_the_bridge_is_never_the_users_own() -> None:
    [finding] = by_files("none", BRIDGE)
    assert "network is bridge" in finding.what


def test_a_host_that_is_no_node_may_have_anything() -> None:
    assert by_files("calico", FLANNEL, node=False) == []


@pytest.mark.parametrize(
    ("network", "there", "told"),
    [
        ({"plugin": "flannel"}, {"flannel"}, None),
        ({"plugin": "bridge"}, set(), None),
        ({"plugin": "none"}, {"flannel"}, "plugin: flannel"),
        ({"plugin": "canal"}, {"flannel"}, "plugin: flannel"),
        ({"plugin": "calico"}, {"calico-operator"}, "plugin: calico, calico: {install: operator}"),
    ],
)
def test_another_addon_in_the_cluster(
    network: dict[str, Any], there: set[str], told: str | None
) -> None:
    made = cluster(network=network)
    found = list(another_addon(made, replace(Nodes(), network_addons=frozenset(there))))
    assert [told in finding.next for finding in found if told] == ([True] if told else [])


def aside(monkeypatch: pytest.MonkeyPatch, *files: str) -> list[str]:
    facts = {CniFiles: CniFiles().process(list(files))}
    return texts(commands(monkeypatch, cni.others_aside, facts, own=FLANNEL))


def test_leftovers_of_other_networks_are_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    assert aside(monkeypatch, "05-cilium.conflist", "20-weave.conf", FLANNEL) == [
        backups.aside("/etc/cni/net.d/05-cilium.conflist"),
        backups.aside("/etc/cni/net.d/20-weave.conf"),
    ]


def test_other_programs_files_stay_unless_they_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert aside(monkeypatch, "87-podman-bridge.conflist", "99-loopback.conf") == []
    assert len(aside(monkeypatch, "00-mine.conf")) == 1


def test_the_routes_of_pods() -> None:
    local = "10.244.0.0/24 dev br0 proto kernel scope link src 10.244.0.1"
    far = "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink"
    hole = "blackhole 10.244.2.0/26 proto 80"
    assert PodRoutes().process([local, far, hole]) == ("10.244.1.0/24", "10.244.2.0/26")
    assert run(PodRoutes().command(pods="203.0.113.0/24")) == ""


@pytest.mark.parametrize(
    ("network", "asked"),
    [
        ({"plugin": "bridge"}, True),
        ({"plugin": "flannel", "flannel": {"backend": "host-gw"}}, True),
        ({"plugin": "flannel"}, False),
        ({"plugin": "calico"}, False),
    ],
)
def test_a_router_between_hosts_is_looked_for(network: dict[str, Any], asked: bool) -> None:
    made = cluster(network=network)
    text = script(made, made.first, made.hosts)
    assert ("\nhops 10.0.0.11 10.0.0.12\n" in text) is asked


def test_a_router_between_hosts_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = """while read -r _ _ to; do
    if [ "$to" = 10.0.0.11 ]; then echo "$to via 10.0.0.1 dev eth0 src 10.0.0.10 uid 0"
    else echo "$to dev eth0 src 10.0.0.10 uid 0"; fi; echo '    cache'; done"""
    (tmp_path / "ip").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    made = cluster(network={"plugin": "flannel", "flannel": {"backend": "host-gw"}})
    lines = script(made, made.first, []).partition("\n  reach ")[0]
    probe = Probe.parse(run(f"{lines}\nfi"))
    assert probe.hops == {"10.0.0.11": "10.0.0.1"}
    [finding] = behind_a_router(made, made.first, replace(probe, node=False))
    assert finding.what.startswith("reaches w1 (10.0.0.11) through the router 10.0.0.1; host-gw")
    assert "direct_routing" in finding.next
    assert list(behind_a_router(made, made.first, replace(probe, node=True))) == []
