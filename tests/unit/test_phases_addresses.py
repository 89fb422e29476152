"""Which address a node goes by, from what its host says of its interfaces and routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kubeinstall.cluster import nodes
from kubeinstall.cluster.joining import Authority
from kubeinstall.engine.types import Output
from kubeinstall.findings import KubeinstallError
from kubeinstall.phases.connect import reach as connect
from kubeinstall.phases.phase import Run
from tests.unit.clusters import cluster
from tests.unit.played_session import Memory, PlayedSession, played_run

pytestmark = pytest.mark.unit


def settled(
    own: Mapping[str, str],
    routes: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None,
    unreachable: tuple[str, ...] = (),
    **spec: Any,
) -> tuple[Run, PlayedSession, Memory]:
    """A run after connect.

    Args:
        own: host to the addresses of its interfaces.
        routes: host to where its route to anything starts.
        known: node to the address that the cluster knows it by.
    """
    items = [
        {
            "metadata": {"name": name},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]},
        }
        for name, address in (known or {}).items()
    ]

    def answer(host: str, command: str) -> Output:
        if "get nodes" in command:
            return Output(0, json.dumps({"items": items}) + "\036cert", "")
        said = (routes or {}).get(host, "") if "route get" in command else own.get(host, "")
        return Output(0, said + "\n", "")

    run, session, memory = played_run(cluster(**spec), unreachable=unreachable, answer=answer)
    connect(run)
    return run, session, memory


def node_ips(run: Run) -> dict[str, str]:
    return {host.name: host.node_ip for host in run.cluster.hosts}


HOME = {
    "cp1": "127.0.0.1 10.0.2.15 10.0.0.10",
    "w1": "127.0.0.1 10.0.2.15 10.0.0.11",
    "w2": "127.0.0.1 10.0.2.15 10.0.0.12",
}
FLOATING = {"cp1": "127.0.0.1 172.16.0.1", "w1": "172.16.0.2", "w2": "172.16.0.3"}
ROUTES = {"cp1": "172.16.0.1", "w1": "172.16.0.2", "w2": "172.16.0.3"}


@pytest.fixture(autouse=True)
def _any_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "authority", lambda _: Authority("", ""))


def test_hosts_that_have_their_addresses_go_by_them() -> None:
    run, session, memory = settled(HOME)
    assert node_ips(run) == {"cp1": "10.0.0.10", "w1": "10.0.0.11", "w2": "10.0.0.12"}
    assert len(session.asked) == 3
    assert memory.notes == ["3 connected"]


def test_floating_addresses_give_way_to_those_of_the_route() -> None:
    run, session, memory = settled(FLOATING, ROUTES)
    assert node_ips(run) == ROUTES
    assert session.cluster is run.cluster
    assert run.cluster.endpoint == "172.16.0.1:6443"
    to = [command.splitlines()[0] for _, command in session.asked if "route get" in command]
    assert to == ["target=192.0.2.1", "target=172.16.0.1", "target=172.16.0.1"]
    assert "w2: 10.0.0.12 is not on any of its interfaces; its node address is 172.16.0.3" in (
        memory.notes
    )


def test_the_route_to_an_endpoint_of_its_own_decides() -> None:
    _, session, _ = settled(FLOATING, ROUTES, endpoint={"host": "api.example.org"})
    to = {command.splitlines()[0] for _, command in session.asked if "route get" in command}
    assert to == {"target=api.example.org"}


def test_what_the_cluster_knows_goes_before_the_route() -> None:
    known = {"cp1": "172.16.0.1", "w1": "172.16.9.9", "w2": "172.16.0.3"}
    run, session, _ = settled(FLOATING, ROUTES, known)
    assert node_ips(run) == known
    assert not [command for _, command in session.asked if "route get" in command]


def test_a_host_that_is_off_stays_what_the_cluster_knows_it_as() -> None:
    run, _, _ = settled(FLOATING, ROUTES, ROUTES, unreachable=("w2",))
    assert node_ips(run)["w2"] == "172.16.0.3"


def test_one_nat_address_on_all_is_an_error_that_tells_the_others() -> None:
    own = {name: f"127.0.0.1 10.0.2.15 192.168.56.{n}" for n, name in enumerate(HOME, 11)}
    with pytest.raises(KubeinstallError) as raised:
        settled(own, dict.fromkeys(own, "10.0.2.15"))
    (finding,) = raised.value.findings
    assert finding.where == "cp1, w1, w2"
    assert finding.what == "the same node address 10.0.2.15"
    assert "w1 has 192.168.56.12" in finding.next


def test_no_route_is_an_error_of_its_host() -> None:
    with pytest.raises(KubeinstallError) as raised:
        settled(FLOATING, {"cp1": "172.16.0.1"})
    assert [finding.where for finding in raised.value.findings] == ["w1", "w2"]


def test_a_host_that_says_nothing_goes_by_its_address() -> None:
    run, _, _ = settled({})
    assert node_ips(run)["w1"] == "10.0.0.11"
