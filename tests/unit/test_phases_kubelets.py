"""Nodes are worked on one at a time: kubelets get new settings, nodes another runtime."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinstall.cluster import nodes
from kubeinstall.cluster.draining import drain
from kubeinstall.cluster.nodes import SOCKET, Nodes, question
from kubeinstall.deploys.kubernetes.nodes import OWNED
from kubeinstall.engine.types import Output
from kubeinstall.operations.nodes import CORDONED, NOTES
from kubeinstall.phases import kubelets, runtime
from kubeinstall.releases import Version
from tests.unit.clusters import cluster
from tests.unit.fakes import FakeSession, fake_run

pytestmark = pytest.mark.unit

DOCKER, CONTAINERD = "/var/run/dockershim.sock", "unix:///run/containerd/containerd.sock"
BLOCKED = (
    'error when evicting pods/"web-1" -n "shop" (will retry after 5s): Cannot evict pod as it '
    "would violate the pod's disruption budget.\n"
)
BUDGETS = {
    "items": [
        {"metadata": {"name": "web"}, "status": {"disruptionsAllowed": 0}},
        {"metadata": {"name": "db"}, "status": {"disruptionsAllowed": 1}},
    ]
}


@pytest.fixture(autouse=True)
def _any_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "authority", lambda _: object())


def node(name: str, socket: str, **notes: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "annotations": {SOCKET: socket, **notes}},
        "spec": {"podCIDR": "10.244.0.0/24"},
        "status": {},
    }


def answering(*found: dict[str, Any], drained: Output | None = None) -> Any:
    """A cluster of these nodes; ``drained`` is what its drain answers."""

    data = {"kubelet": "kind: KubeletConfiguration"}
    shared = json.dumps({"items": [{"metadata": {"name": "kubelet-config"}, "data": data}]})

    def answer(_host: str, command: str) -> Output:
        if "drain" in command:
            return drained or Output(0, "", "")
        if "get pdb" in command:
            return Output(0, json.dumps(BUDGETS), "")
        if command == question(Version(1, 36, 2)):
            return Output(0, f"{json.dumps({'items': found})}\036ca\036{shared}", "")
        return Output(0, "", "")

    return answer


def steps(session: FakeSession) -> list[str]:
    """Rounds are not among them: what was asked for that changes a node."""
    words = ("cordon w", "cordon cp", "drain ", "uncordon", f"{SOCKET}=")
    return [
        " ".join(word for word in words if word in command)
        for _, command in session.asked
        if any(word in command for word in words)
    ]


def test_nodes_with_another_runtime_are_moved_workers_first() -> None:
    found = (node("cp1", DOCKER), node("w1", DOCKER), node("w2", CONTAINERD))
    run, session, memory = fake_run(cluster(), answer=answering(*found))
    session.connect()
    runtime.run(run)
    assert session.rounds == [
        ("runtime", ["w2"], False),
        ("runtime", ["w1"], False),
        ("runtime", ["cp1"], False),
    ]
    assert [note for note in memory.notes if "moved" in note] == [
        "w1: moved from docker to containerd",
        "cp1: moved from docker to containerd",
    ]
    assert sum("drain" in step for step in steps(session)) == 2


def test_a_plan_drains_nothing() -> None:
    found = (node("cp1", CONTAINERD), node("w1", DOCKER), node("w2", CONTAINERD))
    run, session, memory = fake_run(cluster(), dry=True, answer=answering(*found))
    session.connect()
    runtime.run(run)
    assert steps(session) == []
    assert any(n.startswith("w1: would be moved from docker to contain") for n in memory.notes)


def test_a_node_that_cannot_be_moved_ends_it() -> None:
    found = (node("cp1", DOCKER), node("w1", DOCKER), node("w2", DOCKER))
    run, session, memory = fake_run(cluster(), answer=answering(*found), fails={"w1": "runtime"})
    session.connect()
    runtime.run(run)
    assert [names for _, names, _ in session.rounds] == [["w1"]]
    assert "stopped here: w2, cp1 keep their runtime" in memory.notes


def test_a_budget_that_keeps_pods_is_named_and_the_node_takes_pods_again() -> None:
    marked = node("w1", DOCKER, **{CORDONED: "true"})
    blocked = Output(1, BLOCKED, "")
    answer = answering(node("cp1", CONTAINERD), marked, drained=blocked)
    run, session, _ = fake_run(cluster(workers=1), answer=answer)
    session.connect()
    runtime.run(run)
    finding = session.failures["w1"]
    assert finding.why == (
        "the PodDisruptionBudget shop/web does not allow pod shop/web-1 to be evicted"
    )
    assert steps(session)[-1] == "cordon w uncordon"
    assert [names for _, names, _ in session.rounds] == [["cp1"]]


def test_a_node_that_its_user_cordoned_stays_so() -> None:
    found = node("w1", DOCKER)
    found["spec"]["unschedulable"] = True
    run, session, _ = fake_run(cluster(workers=1), answer=answering(found))
    session.connect()
    drain(run, run.cluster.host("w1"))
    assert steps(session) == ["drain "]


def test_kubelets_are_changed_one_by_one_until_one_fails() -> None:
    found = (node("cp1", CONTAINERD), node("w1", CONTAINERD), node("w2", CONTAINERD))
    run, session, memory = fake_run(
        cluster(), answer=answering(*found), changes=["kubelets"], fails={"w2": "kubelets"}
    )
    session.connect()
    kubelets.run(run)
    assert [names for _, names, _ in session.rounds] == [["cp1"], ["w1"], ["w2"], ["cp1"]]
    assert "stopped here: the kubelets of cp1 are as they were" in memory.notes


def test_what_the_cluster_says_of_its_kubelets() -> None:
    items = json.dumps({"items": [node("w1", DOCKER, **{CORDONED: "true"}), node("w2", "")]})
    shared = {"metadata": {"name": "kubelet-config-1.20"}, "data": {"kubelet": "a: 1"}}
    parent = {"metadata": {"name": "kubeinstall-addon-flannel"}}
    found = Nodes.parse(f"{items}\036ca\036{json.dumps({'items': [parent, shared]})}")
    assert found.kubelets == shared
    assert found.network_addons == {"flannel"}
    assert found.cordoned == {"w1"}
    assert (found.runtime("w1"), found.runtime("w2"), found.runtime("w3")) == ("docker", "", "")
    assert Nodes.parse(f"{items}\036ca").kubelets == {}
    assert "configmap kubelet-config-1.20 " in question(Version(1, 20, 2))
    assert "configmap kubelet-config " in question(Version(1, 24, 0))


def _told_of_nodes(*maps: dict[str, Any], **notes: str) -> list[list[str]]:
    """What kubectl is told of w1, whose host has the label a=1."""
    made = cluster(workers=1)
    hosts = [made.first, made.host("w1").model_copy(update={"labels": {"a": "1"}})]
    made = made.model_copy(update={"hosts": tuple(hosts)})
    items = json.dumps({"items": [node("cp1", DOCKER), node("w1", DOCKER, **notes)]})
    said = f"{items}\036ca\036{json.dumps({'items': list(maps)})}"
    run, session, _ = fake_run(made, answer=lambda _host, _command: Output(0, said, ""))
    session.connect()
    kubelets.deploys(run)
    [changes] = [one for one in session.data["cp1"]["node_changes"] if one.node == "w1"]
    return [list(call[2:5]) for call in changes.calls]


def test_what_is_noted_of_nodes_is_kept_in_kube_system() -> None:
    notes = {"metadata": {"name": NOTES}, "data": {"w1": '{"labels": ["a", "gone"]}'}}
    patch, label = ["patch", "configmap", NOTES], ["node", "w1", "a=1"]
    assert _told_of_nodes() == [["create", "configmap", NOTES], patch, label]
    assert _told_of_nodes(notes) == [label, patch]
    own = '{"labels": ["a"], "taints": ["x:NoExecute"]}'
    by_itself = _told_of_nodes(**{OWNED: own, NOTES: own})
    assert by_itself == _told_of_nodes()
    assert NOTES in question(Version(1, 36, 2))
