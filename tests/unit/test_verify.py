"""The checks of one host, over a host that answers what a test says."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from testinfra.host import Host

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.verify.check import CheckFailed, expect, up
from kubeinstall.verify.checks import (
    control_plane,
    host_ports,
    network,
    node,
    system,
)
from kubeinstall.verify.checks import (
    package_sources as sources,
)
from kubeinstall.verify.run import check_host, checks_for, title
from tests.signing import Signer
from tests.unit.checked import Backend, always, ended
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit


def test_the_signing_key() -> None:
    good = Signer().public(400)
    assert ended(sources.signing_key_is_good, always(good)) == ""
    assert "the signing key of Kubernetes' packages is missing" in ended(
        sources.signing_key_is_good, always("")
    )
    archive = {"archive": {"file": "k.tar", "sha256": "0" * 64}}
    assert ended(sources.signing_key_is_good, always(""), packages=archive) == ""


def test_a_signing_key_that_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Signer().public(1)
    later = time.time() + 2 * 24 * 3600
    monkeypatch.setattr("kubeinstall.verify.checks.package_sources.time.time", lambda: later)
    assert "packages expired on 20" in ended(sources.signing_key_is_good, always(key))


def test_swap() -> None:
    header = "Filename Type Size Used Priority\n"

    def answers(command: str) -> tuple[int, str]:
        return 0, header if "/proc/swaps" in command else ""

    assert ended(system.swap_is_off, answers) == ""
    assert ended(system.swap_is_off, always(f"{header}/dev/sda2 partition 1 0 -2\n")) == (
        "swap is on: /dev/sda2"
    )


def test_hosts_that_do_not_answer_are_told_from_those_that_refuse() -> None:
    endpoint = "10.0.0.10:6443"
    assert ended(network.other_hosts_answer, always(f"{endpoint} 0\n")) == ""
    assert "no answer from 10.0.0.10:6443" in ended(
        network.other_hosts_answer, always(f"{endpoint} 124\n")
    )
    assert "refused by 10.0.0.10:6443" in ended(
        network.other_hosts_answer, always(f"{endpoint} 1\n")
    )


def test_what_listens_is_looked_for_on_the_host_that_refuses() -> None:
    made = cluster()
    assert network._listeners(made, ["10.0.0.11:10250"]) == "on w1: ss -ltn 'sport = :10250'"
    assert network._listeners(made, ["api.lab:6443"]) == "on api.lab: ss -ltn 'sport = :6443'"


def test_ports_that_addons_take() -> None:
    def pod(address: str, phase: str = "Running", **port: int) -> dict[str, Any]:
        spec = {"containers": [{"ports": [{"containerPort": 8000, **port}]}]}
        status = {"phase": phase, "hostIP": address}
        return {"metadata": {"name": "traefik-x7"}, "spec": spec, "status": status}

    both = [pod("10.0.0.11", hostPort=port) for port in (80, 443)]
    addons = {"traefik": {"values": {"exposure": "hostNetwork"}}}

    def why(pods: list[dict[str, Any]], codes: dict[str, int], **spec: Any) -> str:
        def answers(command: str) -> tuple[int, str]:
            if "kubectl" in command:
                assert "-n traefik get pods" in command
                return 0, json.dumps({"items": pods})
            asked = command.partition("for target in ")[2].partition(";")[0].split()
            return 0, "".join(f"{t} {codes[t]}\n" for t in asked)

        return ended(host_ports.ports_of_addons_answer, answers, **spec)

    web = {"10.0.0.11:80": 0, "10.0.0.11:443": 0}
    assert why(both, web, addons=addons) == ""
    silent = why(both, {**web, "10.0.0.11:80": 124}, addons=addons)
    assert silent == "no answer from 10.0.0.11:80: a firewall, or the host is off"
    assert why(both, {**web, "10.0.0.11:443": 1}, addons=addons) == "refused by 10.0.0.11:443"
    pending = [both[0], pod("10.0.0.12", "Pending", hostPort=443), pod("10.0.0.12")]
    assert why(pending, web, addons=addons) == "no pod of traefik has port 443 of its host"
    assert why([], {}, addons={"traefik": {}}) == ""


def test_a_firewall_without_openings() -> None:
    assert ended(network.firewall_is_open, always("")) == ""
    assert ended(network.firewall_is_open, always("ufw\nfirewalld\n")) == (
        "kubeinstall's rules are missing in ufw, firewalld"
    )
    assert ended(network.firewall_is_open, always("ufw\n"), firewall="keep") == ""


def test_another_networks_configuration_comes_first() -> None:
    check, flannel = network.pods_get_the_clusters_network, {"network": {"plugin": "flannel"}}
    assert ended(check, always("10-flannel.conflist\ncalico-kubeconfig\n"), **flannel) == ""
    told = ended(check, always("05-cilium.conflist\n10-flannel.conflist\n"), **flannel)
    assert told == "the pod network comes from 05-cilium.conflist, not from 10-flannel.conflist"
    assert "from nothing" in ended(check, always(""), **flannel)
    assert ended(check, always("05-cilium.conflist\n"), network={"plugin": "none"}) == ""


def test_routes_to_the_pods_of_other_nodes() -> None:
    check, flannel = network.pods_of_other_nodes_have_routes, {"network": {"plugin": "flannel"}}
    own, there = "10.244.0.0/24 dev cni0 scope link", "10.244.{}.0/24 via 10.244.{}.0 dev flannel.1"
    both = "\n".join([own, there.format(1, 1), there.format(2, 2)])
    assert ended(check, always(both), **flannel) == ""
    one = "\n".join([own, there.format(1, 1)])
    assert ended(check, always(one), **flannel) == "1 routes to pods of 2 other nodes"
    assert ended(check, always("10.244.0.0/16 dev flannel-wg scope link"), **flannel) == ""
    assert ended(check, always(""), network={"plugin": "calico"}) == ""


def test_network_manager() -> None:
    assert ended(network.network_manager_leaves_the_pods, always("cni0\n")) == "it manages cni0"


SYSCTLS = (
    "net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\n"
    "net.bridge.bridge-nf-call-ip6tables = 1\n"
)


def test_sysctls() -> None:
    assert ended(system.sysctls_are_set, always(SYSCTLS)) == ""
    assert "net.ipv4.ip_forward is 0, not 1" in ended(
        system.sysctls_are_set, always(SYSCTLS.replace("forward = 1", "forward = 0"))
    )
    own = {"sysctls": {"vm.max_map_count": 262144}}
    assert ended(system.sysctls_are_set, always(SYSCTLS), **own) == (
        "vm.max_map_count is unknown, not 262144"
    )


def test_clock() -> None:
    tracking = "0A610002,10.97.0.2,9,1795238059.0,0.0,0.0,0.0,1.5,0.0,166.4,0.0,0.009,2.0,"
    assert ended(system.clock_is_in_sync, always(f"{tracking}Normal\n")) == ""
    assert ended(system.clock_is_in_sync, always(f"{tracking}Not synchronised\n")) == (
        "chrony reports Not synchronised"
    )
    assert ended(system.clock_is_in_sync, always("", 1), time={"manage": False}) == ""


def test_proxy() -> None:
    reads = always("EnvironmentFiles=/etc/kubeinstall/proxy.env (ignore_errors=no)\n")
    proxy = {"proxy": {"http": "http://proxy.example.org:3128"}}
    assert ended(node.runtime_goes_through_the_proxy, reads, **proxy) == ""
    assert ended(node.runtime_goes_through_the_proxy, always("")) == ""
    assert ended(node.runtime_goes_through_the_proxy, always(""), **proxy) == (
        "containerd does not use a proxy"
    )
    assert ended(node.runtime_goes_through_the_proxy, reads) == ("containerd still uses a proxy")


def test_packages() -> None:
    right = "".join(f"{p} 1.36.2-1.1 installed\n" for p in ("kubelet", "kubeadm", "kubectl"))
    assert ended(node.packages_are_exact, always(right)) == ""
    wrong = right.replace("kubelet 1.36.2", "kubelet 1.36.3").replace("kubectl 1", "kubectl x")
    assert ended(node.packages_are_exact, always(wrong)) == (
        "kubelet is 1.36.3-1.1; kubectl is x.36.2-1.1; expected 1.36.2"
    )
    assert ended(node.packages_are_held, always("kubelet\nkubeadm\n")) == "not held: kubectl"


@pytest.mark.parametrize(
    ("active", "enabled", "told"),
    [
        ("active", "enabled", ""),
        ("active", "static", ""),
        ("inactive", "enabled", "kubelet is not running"),
        ("activating", "enabled", "kubelet is not running"),
        ("active", "disabled", "kubelet does not start at boot"),
        ("active", "", "kubelet does not start at boot"),
    ],
)
def test_a_kubelet_that_is_stopped_is_named(active: str, enabled: str, told: str) -> None:
    def answers(command: str) -> tuple[int, str]:
        assert command.startswith("systemctl show kubelet ")
        return 0, f"ActiveState={active}\nUnitFileState={enabled}\n"

    assert ended(node.kubelet_runs, answers) == told


@pytest.mark.parametrize(
    ("version", "runtime", "active", "listens", "told"),
    [
        ("1.36.2", "docker", True, True, ""),
        ("1.36.2", "docker", False, True, "cri-docker.service is not running"),
        ("1.36.2", "docker", True, False, "nothing listens on /run/cri-dockerd.sock"),
        ("1.23.17", "docker", False, False, ""),
        ("1.36.2", "containerd", False, False, ""),
    ],
)
def test_cri_dockerd(version: str, runtime: str, active: bool, listens: bool, told: str) -> None:
    def answers(command: str) -> tuple[int, str]:
        if "cri-dockerd.sock" in command:
            return (0, "") if listens else (1, "")
        state = "active" if active else "inactive"
        return 0, f"ActiveState={state}\nUnitFileState=enabled\n"

    settings: Any = {"version": version, "runtime": {"name": runtime}}
    assert ended(node.cri_dockerd_runs, answers, **settings) == told


def test_ports() -> None:
    lines = "".join(f"LISTEN 0 4096 *:{p} *:*\n" for p in (6443, 2379, 2380, 10257))
    found = ended(control_plane.ports_are_listened_on, always(lines))
    assert found == "nothing listens on 10259"


def test_what_testinfra_does_not_expect_fails_the_check() -> None:
    assert "Unexpected exit code 1" in ended(system.hostname_is_as_in_the_inventory, always("", 1))


def test_a_lost_connection_fails_the_check() -> None:
    def lost(_command: str) -> tuple[int, str]:
        raise KubeinstallError(Finding(Kind.CONNECT, "the connection was lost", ("w1",)))

    assert ended(system.swap_is_off, lost) == "the connection was lost"


def test_who_is_checked_for_what() -> None:
    made = cluster()
    names = {host.name: {c.__name__ for c in checks_for(made, host, "cp1")} for host in made.hosts}
    assert "api_server_is_ready" in names["cp1"]
    assert "nodes_are_ready" in names["cp1"]
    assert "api_server_is_ready" not in names["w1"]
    assert "kubelet_runs" in names["w1"]


def test_every_check_has_a_title() -> None:
    made = cluster()
    titles = [title(check) for check in checks_for(made, made.first, "cp1")]
    assert all(title and not title.endswith(".") for title in titles)
    assert len(set(titles)) == len(titles)


def test_expect_fails_with_its_words() -> None:
    expect(True, "not told")
    with pytest.raises(CheckFailed, match="swap is on"):
        expect([], "swap is on")


def test_a_next_step_says_where_it_is_done() -> None:
    made = cluster()

    def step(then: str) -> str:
        def check(*_: object) -> None:
            """Something."""
            expect(False, "no", then)

        (result,) = check_host(Host(Backend(always(""))), made.workers[0], made, [check])
        return result.next

    assert step("ss -ltn") == "on w1: ss -ltn"
    assert step(up("--only hosts")) == "kubeinstall up --only hosts"
    assert step("") == ""
