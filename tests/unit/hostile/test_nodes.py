"""A worker that lies, or its kubelet: no other host gets to work with what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from kubeinstall.cluster import nodes
from kubeinstall.cluster.joining import Authority
from kubeinstall.cluster.nodes import Nodes, Standing
from kubeinstall.engine.types import Output
from kubeinstall.files import network as network_files
from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.phases import network
from kubeinstall.phases.connect import adopt_addresses
from kubeinstall.phases.phase import Run
from tests.unit.clusters import cluster
from tests.unit.hostile.payloads import (
    CANARY,
    DEEP,
    DEEP_OBJECT,
    FUZZ,
    INTERFACES,
    JSON,
    NOT_ADDRESSES,
    WORDS,
)
from tests.unit.played_session import PlayedSession, played_run

pytestmark = pytest.mark.unit

OWN = {"cp1": "127.0.0.1 10.0.0.10 172.16.0.1", "w1": "127.0.0.1 172.16.0.2", "w2": "10.0.0.12"}
"""w1 is reached by an address that is not on it; the others by their own."""
ENDPOINT = {"host": "10.0.0.100"}


@pytest.fixture(autouse=True)
def _any_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "authority", lambda _: Authority("", ""))


def said(
    own: str = OWN["w1"], route: str = "172.16.0.2", items: object = ()
) -> Callable[[str, str], Output]:
    """What the hosts answer, where w1 has, or its node says, something of its own."""

    def answer(host: str, command: str) -> Output:
        if "get nodes" in command:
            return Output(0, json.dumps({"items": items}) + "\036cert", "")
        if "route get" in command:
            return Output(0, route + "\n", "")
        return Output(0, {**OWN, "w1": own}[host] + "\n", "")

    return answer


def node(name: str, address: object = None, **spec: object) -> dict[str, Any]:
    reported = [{"type": "InternalIP", "address": address}] if address is not None else []
    return {"metadata": {"name": name}, "spec": spec, "status": {"addresses": reported}}


def refused(answer: Callable[[str, str], Output]) -> tuple[Finding, Run, PlayedSession]:
    """The finding that a run ends with; nobody has got anything of what w1 said."""
    run, session, _ = played_run(cluster(endpoint=ENDPOINT), answer=answer)
    session.connect()
    before = run.cluster
    with pytest.raises(KubeinstallError) as raised:
        adopt_addresses(run)
    assert run.cluster is before
    assert not [script for _, script in session.asked if CANARY in script]
    return raised.value.findings[0], run, session


def test_the_route_of_an_honest_worker_counts() -> None:
    run, session, _ = played_run(cluster(endpoint=ENDPOINT), answer=said())
    session.connect()
    adopt_addresses(run)
    assert run.cluster.host("w1").node_ip == "172.16.0.2"


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_a_route_that_is_no_address(text: str) -> None:
    finding, _, _ = refused(said(route=text))
    assert finding.where == "w1"
    assert "instead of its own address" in finding.what
    assert finding.what.isprintable()
    assert len(finding.what) < 200
    assert "set its node_ip" in finding.next


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_an_interface_that_is_no_address(text: str) -> None:
    finding, _, _ = refused(said(own=text))
    assert finding.where == "w1"


@pytest.mark.parametrize(("address", "why"), INTERFACES)
def test_a_route_with_an_address_that_is_not_its_own(address: str, why: str) -> None:
    finding, _, _ = refused(said(own=f"172.16.0.2 {address}", route=address))
    assert (finding.where, finding.what) == (
        "w1",
        f"its route to the endpoint has the source address {address}, {why}",
    )


def test_a_route_that_starts_at_an_address_of_none_of_its_interfaces() -> None:
    finding, _, _ = refused(said(route="172.16.0.77"))
    assert "172.16.0.77, which is not on any of its interfaces" in finding.what


def test_a_route_that_starts_at_two_addresses() -> None:
    finding, _, _ = refused(said(own="172.16.0.2 172.16.0.3", route="172.16.0.2 172.16.0.3"))
    assert finding.what == "its route to the endpoint has 2 source addresses"


@pytest.mark.parametrize("text", [*NOT_ADDRESSES[:-2], "localhost", 7, [], {"a": 1}, True, "x" * 9])
def test_a_node_that_reports_no_address(text: object) -> None:
    finding, _, _ = refused(said(items=[node("w1", text)]))
    assert finding.where == "w1"
    assert "reports an invalid address" in finding.what
    assert finding.what.isprintable()


@pytest.mark.parametrize(("address", "why"), INTERFACES)
def test_a_node_that_reports_an_address_of_another(address: str, why: str) -> None:
    finding, _, _ = refused(said(items=[node("w1", address)]))
    assert finding.what == f"its node reports the address {address}, {why}"


def test_a_node_of_another_name_says_nothing_of_a_host() -> None:
    """Nor does a host's name that is not the name of its node."""
    others = [node("w1.example.org", "172.16.0.66"), node("W1", "172.16.0.66"), node("x", "1;2")]
    run, session, _ = played_run(cluster(endpoint=ENDPOINT), answer=said(items=others))
    session.connect()
    adopt_addresses(run)
    assert run.cluster.host("w1").node_ip == "172.16.0.2"


def test_the_first_of_a_nodes_addresses_counts_and_the_first_of_two_nodes() -> None:
    one = node("w1", "172.16.0.2")
    one["status"]["addresses"][:0] = [
        {"type": "Hostname", "address": "x;y"},
        {"type": "InternalIP", "address": "fd00::2"},
    ]
    one["status"]["addresses"].append({"type": "InternalIP", "address": "10.0.0.10"})
    found = Nodes.parse(json.dumps({"items": [one, node("w1", "10.0.0.10")]}), "cp1")
    assert found.addresses == {"w1": IPv4Address("172.16.0.2")}


OK = Output(0, "", "")
SHARES = ("10.244.0.0/24", "10.244.2.0/24")


def planned(share: object, plugin: str = "bridge") -> PlayedSession:
    items = [
        node("cp1", podCIDR=SHARES[0]),
        node("w1", podCIDR=share),
        node("w2", podCIDR=SHARES[1]),
    ]
    return connected(items, plugin)


def connected(items: list[dict[str, Any]], plugin: str = "bridge") -> PlayedSession:
    """The round that connects pods, on a cluster with these nodes."""
    answer = said(items=items)
    run, session, _ = played_run(
        cluster(network={"plugin": plugin}),
        answer=lambda host, asked: answer(host, asked) if "get nodes" in asked else OK,
    )
    session.connect()
    run.round("network", network.deploys(run))
    return session


def shares(session: PlayedSession, host: str) -> set[str]:
    """The shares of the pod network that a host's files name."""
    written = (network_files.CONFLIST, network_files.SCRIPT)
    texts = [session.files.get((host, path), "") for path in written]
    return set(re.findall(r"10\.\d+\.\d+\.0/24", "\n".join(texts)))


@pytest.mark.parametrize("share", [*WORDS, "10.244.1.1/24", "10.244.1.0/33", "fd00::/64", 7, ["a"]])
def test_a_share_of_the_pod_network_that_is_none(share: object) -> None:
    with pytest.raises(KubeinstallError) as raised:
        planned(share)
    (finding,) = raised.value.findings
    assert finding.where == "w1"
    assert "range of its node cannot be read" in finding.what
    assert finding.what.isprintable()


@pytest.mark.parametrize(
    ("share", "why"),
    [
        ("10.244.0.0/24", "overlaps with 10.244.0.0/24 of cp1"),
        ("10.244.0.128/25", "overlaps with 10.244.0.0/24 of cp1"),
        ("10.244.0.0/16", "overlaps with 10.244.0.0/24 of cp1"),
        ("0.0.0.0/0", "not inside cluster.network.pods 10.244.0.0/16"),
        ("10.0.0.0/24", "which contains the address of cp1, w1, w2"),
        ("10.96.0.0/24", "not inside cluster.network.pods"),
        ("127.0.0.0/8", "not inside cluster.network.pods"),
    ],
)
def test_a_share_that_would_take_what_is_for_others(share: str, why: str) -> None:
    with pytest.raises(KubeinstallError) as raised:
        planned(share)
    assert any(f.where == "w1" and why in f.what for f in raised.value.findings)


def test_shares_of_nodes_that_are_no_hosts_of_the_inventory_are_left_out() -> None:
    session = planned("10.244.1.0/24")
    assert shares(session, "cp1") == {"10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"}
    items = [node("cp1", podCIDR=SHARES[0]), node("stranger", podCIDR="10.244.9.0/24")]
    assert shares(connected(items), "w1") == {"10.244.0.0/24"}


def test_with_another_plugin_shares_are_not_its_business() -> None:
    session = planned("10.99.0.0/24", "flannel")
    assert session.failures == {}
    assert shares(session, "cp1") == set()


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_no_cluster_is_made_with_such_an_address(text: str) -> None:
    """Whoever asks for it, and whatever was checked before."""
    with pytest.raises((ValidationError, ValueError)):
        cluster().with_node_ips({"w1": text})  # type: ignore[dict-item]


def test_no_cluster_is_made_with_one_address_twice() -> None:
    with pytest.raises(ValueError, match="same node address"):
        cluster().with_node_ips({"w1": IPv4Address("10.0.0.10")})


@FUZZ
@given(JSON)
def test_nodes_of_any_shape_are_read_or_none(document: object) -> None:
    for text in (json.dumps(document), json.dumps({"items": document})):
        found = Nodes.parse(f"{text}\036cert\036{text}", "cp1")
        for name in found.names or ():
            assert (one := found.node(name))
            assert CANARY not in repr((one.name, one.version, one.runtime, one.address))
            assert one.pod_cidr is None or one.pod_cidr == found.pod_cidrs[name]
            assert found.fault(name) in ("", *one.faults)
        assert CANARY not in repr((found.pod_cidrs, found.addresses, found.names))


@pytest.mark.parametrize("text", [DEEP, DEEP_OBJECT, "NaN", '{"items": 1e999}', "\udc80", ""])
def test_nodes_that_are_no_list(text: str) -> None:
    found = Nodes.parse(f"{text}\036cert", "cp1")
    assert (found.standing, found.items) == (Standing.UNKNOWN, ())
