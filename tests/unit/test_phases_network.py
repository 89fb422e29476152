"""The network phase waits until every node has its share of the pod network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import chain, repeat
from typing import Any

import pytest

from kubeinstall.cluster import nodes
from kubeinstall.engine.types import Output
from kubeinstall.files.network import CONFLIST, SCRIPT
from kubeinstall.findings import KubeinstallError
from kubeinstall.phases import network
from tests.unit.clusters import cluster
from tests.unit.played_cluster import Api
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit


def node(name: str, share: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"podCIDR": share} if share else {}}


def answering(monkeypatch: pytest.MonkeyPatch, answers: Iterator[list[dict[str, Any]]]) -> Any:
    """A session whose cluster has other nodes each time it is asked."""
    monkeypatch.setattr(nodes, "authority", lambda _: object())
    monkeypatch.setattr(network, "_PAUSE", 0.0)

    def answer(_host: str, command: str) -> Output:
        told = f"{json.dumps({'items': next(answers)})}\036ca" if "get nodes" in command else ""
        return Output(0, told, "")

    return answer


@pytest.mark.parametrize(
    "early",
    [
        pytest.param([node("cp1", "10.244.0.0/24")], id="not-a-node-yet"),
        pytest.param([node("cp1", "10.244.0.0/24"), node("w1", "")], id="without-a-share"),
    ],
)
def test_a_worker_that_has_just_joined_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, early: list[dict[str, Any]]
) -> None:
    """Its CNI configuration was left out when it became a node only after the question."""
    late = [node("cp1", "10.244.0.0/24"), node("w1", "10.244.1.0/24")]
    answer = answering(monkeypatch, chain([early, early], repeat(late)))
    run, session, memory = played_run(cluster(workers=1), answer=answer)
    session.connect()
    run.changed = True
    network.run(run)
    assert any("w1" in text for text in memory.waits)
    assert run.nodes().pod_cidrs == {
        "cp1": IPv4Network("10.244.0.0/24"),
        "w1": IPv4Network("10.244.1.0/24"),
    }
    assert "10.244.1.0/24" in session.files["w1", CONFLIST]
    assert "10.244.1.0/24 via 10.0.0.11" in session.files["cp1", SCRIPT]


def test_a_host_that_is_no_node_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answering(monkeypatch, iter([[node("cp1", "10.244.0.0/24")]]))
    run, session, memory = played_run(cluster(workers=1), answer=answer)
    session.connect()
    network.run(run)
    assert memory.waits == []


def test_another_pod_network_ends_it_before_anything_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nodes, "authority", lambda _: object())
    items = json.dumps({"items": [node("cp1", "10.244.0.0/24"), node("w1", "10.244.1.0/24")]})
    parents = json.dumps({"items": [{"metadata": {"name": "kubeinstall-addon-flannel"}}]})
    made = cluster(workers=1, network={"plugin": "none"})
    answer = Output(0, f"{items}\036ca\036{parents}", "")
    run, session, _ = played_run(made, answer=lambda _host, _command: answer)
    session.connect()
    with pytest.raises(KubeinstallError, match="network is flannel, but the inventory says none"):
        network.run(run)
    assert session.rounds == []


def test_the_cluster_learns_of_runtime_classes_on_its_control_plane_alone() -> None:
    made = cluster(runtime={"classes": {"crun": {"package": "crun"}}})
    api = Api(made)
    run, session, _ = played_run(made, answer=api)
    session.connect()
    network.run(run)
    assert session.failures == {}
    named = [sent.host for sent in session.sent if '"kind": "RuntimeClass"' in sent.stdin]
    assert named == ["cp1"]
    assert {host for host, _ in session.did} == {"cp1", "w1", "w2"}
