"""From what hosts answered to findings."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.engine.types import Output
from kubeinstall.facts.resolv import ResolverState
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Kubelet, Role
from kubeinstall.phases import hosts, preflight
from kubeinstall.preflight.disks import Room, lacks_room
from kubeinstall.preflight.probe import Probe, script
from kubeinstall.preflight.rules import judge
from tests.unit.addon_folders import folder, with_addons
from tests.unit.clusters import cluster, host
from tests.unit.played_session import PlayedSession, played_run
from tests.unit.probed import GOOD, TUNA, only, probes

pytestmark = pytest.mark.unit


def test_good_hosts_have_no_findings() -> None:
    assert judge(cluster(), probes()) == []


@pytest.mark.parametrize(
    ("os", "version"),
    [
        ("debian", "13"),
        ("ubuntu", "26.04"),
        ("rhel", "8.10"),
        ("rocky", "9.4"),
        ("almalinux", "10.0"),
        ("centos", "10"),
        ("fedora", "43"),
        ("openEuler", "24.03"),
    ],
)
def test_systems_that_are_known(os: str, version: str) -> None:
    assert judge(cluster(), probes(w1={"os": os, "os_version": version})) == []


@pytest.mark.parametrize(
    ("os", "version"),
    [("debian", "11"), ("debian", "130"), ("ubuntu", "24.10"), ("rocky", "7.9"), ("fedora", "")],
)
def test_other_versions_are_told(os: str, version: str) -> None:
    finding = only(judge(cluster(), probes(w1={"os": os, "os_version": version})))
    assert finding.severity == "warning"
    assert finding.what == f"kubeinstall does not support {os} {version}".rstrip()


@pytest.mark.parametrize(
    ("where", "change", "words"),
    [
        ("w1", {"os": "alpine", "os_version": "3.21"}, "alpine is not supported"),
        ("w1", {"arch": "riscv64"}, "riscv64 is not supported"),
        ("cp1", {"cpus": 1}, "1 CPU; a control plane needs 2"),
        ("cp1", {"memory_mb": 1500}, "1500 MB of memory"),
        ("w2", {"disk_mb": 100}, "100 MB free under /var"),
        ("w2", {"rooms": {"imagefs": Room(100, 14)}}, "14.0 % of the space under /var/lib"),
        (
            "w1",
            {"addresses": frozenset({IPv4Address("10.0.2.15")})},
            "10.0.0.11 is not on any of its interfaces",
        ),
        ("w1", {"cgroup": "tmpfs"}, "cgroup v1"),
        ("cp1", {"ports": {6443: "haproxy"}}, "port 6443 is in use by haproxy"),
        ("w1", {"ports": {10250: ""}}, "port 10250 is in use, and"),
        ("w1", {"reach": {"pkgs.k8s.io:443": "no answer"}}, "does not reach pkgs.k8s.io:443"),
        ("w1", {"time": 1_000_031.0}, "its clock is 31 s ahead"),
        ("w2", {"time": 999_900.0}, "its clock is 100 s behind"),
    ],
)
def test_what_is_wrong_is_an_error_on_its_host(
    where: str, change: dict[str, Any], words: str
) -> None:
    finding = only(judge(cluster(), probes(**{where: change})))
    assert finding.severity == "error"
    assert finding.where == where
    assert words in finding.what
    assert finding.next


def test_a_proxy_that_only_logins_are_given_is_named_where_it_would_be_needed() -> None:
    unreached: dict[str, Any] = {"reach": {"pkgs.k8s.io:443": "no answer"}}
    with_one = {**unreached, "login_proxy": True}
    assert "set cluster.proxy" in only(judge(cluster(), probes(w1=with_one))).next
    assert "cluster.proxy" not in only(judge(cluster(), probes(w1=unreached))).next
    assert judge(cluster(), probes(w1={"login_proxy": True})) == []


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("w1", {"cpus": 1, "memory_mb": 512}),
        ("w1", {"ports": {6443: "haproxy"}}),
        ("cp1", {"ports": {6443: "haproxy"}, "node": True}),
        ("cp1", {"ports": {10250: "kubelet"}}),
        ("w1", {"reach": {"pkgs.k8s.io:443": "no answer in 4 s"}, "proxy": True}),
        ("w1", {"reach": {"10.0.0.10:22": "refused"}}),
        ("w1", {"time": 1_000_029.0}),
    ],
)
def test_what_is_right_is_left_alone(where: str, change: dict[str, Any]) -> None:
    assert judge(cluster(), probes(**{where: change})) == []


@pytest.mark.parametrize(
    ("rooms", "eviction", "words"),
    [
        ({"nodefs": Room(1000, 100)}, {}, None),
        ({"nodefs": Room(1000, 99)}, {}, "9.9 % of the space under /var/lib/kubelet is free"),
        ({"imagefs": Room(1000, 150)}, {}, None),
        ({"imagefs": Room(1000, 149)}, {}, "14.9 % of the space under /var/lib/containerd is free"),
        ({"nodefs": Room(1000, 900, 100, 4)}, {}, "4.0 % of the inodes under /var/lib/kubelet"),
        ({"nodefs": Room(1000, 900, 0, 0)}, {}, None),
        ({"imagefs": Room(1000, 149)}, {"imagefs.available": "5%"}, None),
        ({"imagefs": Room(1000, 149)}, {"memory.available": "100Mi"}, None),
        ({"nodefs": Room(2**40, 2**30)}, {"nodefs.available": "1Gi"}, None),
        ({"nodefs": Room(2**40, 2**30 - 1)}, {"nodefs.available": "1Gi"}, "the kubelet needs 1Gi"),
    ],
)
def test_disks_are_judged_as_the_kubelet_judges_them(
    rooms: dict[str, Room], eviction: dict[str, str], words: str | None
) -> None:
    one = host("w1", Role.WORKER, 11, kubelet=Kubelet(eviction_hard=eviction))
    found = lacks_room(cluster(), one, rooms, node=False)
    assert [finding.severity for finding in found] == (["error"] if words else [])
    assert words is None or words in found[0].what
    of_a_node = lacks_room(cluster(), one, rooms, node=True)
    assert [finding.severity for finding in of_a_node] == (["warning"] if words else [])


def test_the_disk_that_counts_is_the_one_where_images_are() -> None:
    moved = cluster(version="1.20.2", runtime={"name": "docker", "config": {"data-root": "/d d"}})
    assert "imagefs='/d d'" in script(moved, moved.first, [])
    [finding] = lacks_room(moved, moved.first, {"imagefs": Room(100, 1)}, node=False)
    assert "under /d d is free" in finding.what


def test_an_endpoint_that_a_host_cannot_resolve_is_an_error_there() -> None:
    named = cluster(endpoint={"host": "api.example.org"})
    assert "resolve api.example.org" in script(named, named.first, [])
    finding = only(judge(named, probes(w1={"unresolved": frozenset({"api.example.org"})})))
    assert (finding.severity, finding.where) == ("error", "w1")
    assert finding.what == "cannot resolve api.example.org, the cluster's endpoint"
    assert "on w1: getent ahosts api.example.org" in finding.next


@pytest.mark.parametrize("endpoint", [None, {"host": "10.0.0.10"}, {"host": "cp1"}])
def test_names_that_need_no_dns_are_not_resolved(endpoint: dict[str, str] | None) -> None:
    one = cluster(endpoint=endpoint)
    assert "\nresolve " not in script(one, one.first, [])
    lies = {"unresolved": frozenset({"elsewhere.example.org"})}
    assert judge(one, probes(w1=lies)) == []


def test_a_resolver_on_the_host_itself_is_a_warning() -> None:
    local = ResolverState(("127.0.0.1",))
    finding = only(judge(cluster(), probes(w1={"resolver": local})))
    assert finding.severity == "warning"
    assert "contains a loopback address: 127.0.0.1" in finding.what
    behind = replace(local, behind=True)
    assert judge(cluster(), probes(w1={"resolver": behind})) == []


def test_default_routes_that_start_at_one_address_are_a_warning() -> None:
    card = {"source": "10.0.2.15"}
    finding = only(judge(cluster(), probes(cp1=card, w1=card)))
    assert finding.severity == "warning"
    assert finding.where == "cp1, w1"
    assert "nodes use 10.0.0.10, 10.0.0.11" in finding.why
    nodes = {"source": "10.0.2.15", "node": True}
    assert judge(cluster(), probes(cp1=nodes, w1=nodes)) == []


def test_a_clock_that_nobody_keeps_is_a_warning() -> None:
    finding = only(judge(cluster(), probes(w1={"synced": "no"})))
    assert finding.severity == "warning"
    assert "its clock is not synchronized" in finding.what
    contained = {"synced": "no", "container": "lxc"}
    assert judge(cluster(), probes(w1=contained)) == []


def test_only_a_clock_of_others_is_asked_about() -> None:
    other = cluster(time={"manage": False})
    assert "NTPSynchronized" in script(other, other.first, [])
    assert "NTPSynchronized" not in script(cluster(), cluster().first, [])


def test_a_peer_out_of_reach_is_a_warning() -> None:
    answer = {"reach": {"10.0.0.10:22": "No route to host"}}
    finding = only(judge(cluster(), probes(w1=answer)))
    assert finding.severity == "warning"
    assert "No route to host" in finding.why


def test_sizes_can_be_ignored_by_kubeadms_names() -> None:
    small = cluster(kubeadm={"ignore_preflight_errors": ["NumCPU", "mem"]})
    assert judge(small, probes(cp1={"cpus": 1, "memory_mb": 900})) == []


RENEW: dict[str, Any] = {"machine_ids": "renew-duplicates"}


def test_cgroup_v1_can_be_allowed() -> None:
    allowed = Kubelet(config={"failCgroupV1": False})
    one = cluster(workers=0)
    there = host("cp1", Role.CONTROL_PLANE, 10, kubelet=allowed)
    one = one.model_copy(update={"hosts": (there,)})
    assert judge(one, {"cp1": replace(GOOD, cgroup="tmpfs")}) == []


@pytest.mark.skipif(shutil.which("ss") is None, reason="needs iproute2")
def test_the_script_runs_and_is_understood() -> None:
    here = cluster(workers=0)
    text = script(here, here.first, [])
    text = text.replace("\nexit 0", "\nresolve no-such-name.invalid\nresolve localhost\nexit 0")
    for source in ("pkgs.k8s.io", "registry.k8s.io"):
        text = text.replace(f"{source} 443", "127.0.0.1 1")
    answer = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
    probe = Probe.parse(answer.stdout)
    assert probe.os
    assert probe.cpus >= 1
    assert probe.memory_mb > 0
    assert probe.time > 1_000_000_000
    assert IPv4Address("127.0.0.1") in probe.addresses
    assert probe.refused == {}
    assert probe.disk_mb is not None
    assert set(probe.rooms) == {"nodefs", "imagefs"}
    assert all(0 <= room.free <= room.size for room in probe.rooms.values())
    assert probe.reach == {"127.0.0.1:1": "refused"}
    assert probe.unresolved == {"no-such-name.invalid"}


def test_junk_is_passed_over_and_what_is_of_another_form_is_refused() -> None:
    assert Probe.parse("motd\nreach\nmemory_kb\t") == Probe()
    refused = {"cpus": "'many'", "port": "'x y'"}
    assert Probe.parse("port\tx y\ncpus\tmany") == Probe(refused=refused)


def heard(**more: str) -> str:
    """What a host answers to the probe that has nothing to find fault with."""
    told = {"os": "debian", "os_version": "12", "arch": "x86_64", "cpus": "2"}
    return "".join(f"{k}\t{v}\n" for k, v in {**told, "memory_kb": "4096000", **more}.items())


@pytest.mark.parametrize(("system", "manager"), [("debian", "apt-get"), ("rocky", "dnf")])
def test_deploys_are_told_the_system_that_was_heard(system: str, manager: str) -> None:
    told = heard(os=system, os_version="9.4", os_like="rhel centos fedora", os_codename="")
    run, session, _ = played_run(
        cluster(),
        answer=lambda _, command: Output(0, told if "memory_kb" in command else "", ""),
    )
    session.connect()
    preflight.run(run)
    assert session.failures == {}
    hosts.run(run)
    installed = [command for name, command in session.did if name == "w1" and "install" in command]
    assert any(manager in command for command in installed), installed


def test_one_of_two_clones_gets_a_machine_id_of_its_own() -> None:
    def answer(host: str, command: str) -> Output:
        same = "same" if host != "cp1" else host
        if "memory_kb" in command:
            return Output(0, heard(machine_id=same), "")
        return Output(0, same if "cat /etc/machine-id" in command else "", "")

    run, session, _ = played_run(cluster(**RENEW), answer=answer)
    session.connect()
    preflight.run(run)
    hosts.run(run)
    new = [name for name, command in session.did if "mv -fT /etc/machine-id.new" in command]
    assert new == ["w2"]


def met(**by_host: dict[str, str]) -> tuple[list[Finding], PlayedSession]:
    """Preflight of hosts that answer this beside what is good: what ends the run."""

    def answer(host: str, command: str) -> Output:
        return Output(0, heard(**by_host[host]) if "memory_kb" in command else "", "")

    run, session, _ = played_run(cluster(), answer=answer)
    session.connect()
    try:
        preflight.run(run)
    except KubeinstallError as error:
        return list(error.findings), session
    return [], session


def test_every_host_that_an_error_is_about_is_out() -> None:
    same = {"mac": "52:54:00:00:00:01"}
    found, session = met(cp1={"mac": "52:54:00:00:00:09"}, w1=same, w2=same)
    assert found == []
    assert session.alive == ["cp1"]
    assert {f.what for f in session.failures.values()} == {"the same MAC address 52:54:00:00:00:01"}


def test_warnings_are_reported_and_stop_nobody() -> None:
    def answer(host: str, command: str) -> Output:
        told = heard(os_version="99") if host == "w1" else heard()
        return Output(0, told if "memory_kb" in command else "", "")

    run, session, memory = played_run(cluster(), answer=answer)
    session.connect()
    preflight.run(run)
    [warning] = memory.findings
    assert (warning.where, warning.severity) == ("w1", "warning")
    assert "debian 99" in warning.what
    assert session.failures == {}


def test_an_error_that_is_about_a_control_plane_too_ends_the_run() -> None:
    same = {"mac": "52:54:00:00:00:01"}
    found, session = met(cp1=same, w1={"mac": "52:54:00:00:00:09"}, w2=same)
    assert [f.where for f in found] == ["cp1, w2"]
    assert session.failures == {}


def test_a_control_plane_counts_wherever_an_error_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = Finding(Kind.PREFLIGHT, "the same address", ("w1", "cp1"))
    monkeypatch.setattr(preflight, "judge", lambda *_: [error])
    assert met(cp1={}, w1={}, w2={})[0] == [error]


def test_only_hosts_without_their_source_are_asked_again() -> None:
    def answer(host: str, command: str) -> Output:
        if "reach pkgs.k8s.io" in command:
            lost = "reach\tpkgs.k8s.io:443 No route to host\n" if host == "w2" else ""
            told = "os\tdebian\nos_version\t12\narch\tx86_64\ncpus\t2\nmemory_kb\t4096000\n"
            return Output(0, told + lost, "")
        return Output(0, "".join(f"reach\t{name}:443 ok\n" for name in TUNA), "")

    run, session, _ = played_run(cluster(), answer=answer)
    session.connect()
    preflight.run(run)
    assert [host for host, _ in session.asked] == ["cp1", "w1", "w2", "w2"]
    assert session.failures["w2"].next.startswith("set cluster.source: tuna, which w2 reaches")


def test_an_addon_that_cannot_be_rendered_stops_the_run(tmp_path: Path) -> None:
    folder(tmp_path, "web", releases=[{"version": "1.0", "images": {}}])
    (tmp_path / "web" / "manifests" / "all.yaml").write_text("{{ image('db') }}")
    told = "os\tdebian\nos_version\t12\narch\tx86_64\ncpus\t2\nmemory_kb\t4096000\n"
    made = with_addons(tmp_path, web={})
    run, session, _ = played_run(made, answer=lambda *_: Output(0, told, ""))
    session.connect()
    with pytest.raises(KubeinstallError, match="addon web cannot be rendered"):
        preflight.run(run)
    assert not session.rounds
