"""Nodes are worked on one at a time: kubelets get new settings, nodes another runtime."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from kubeinstall.cluster import nodes
from kubeinstall.cluster.draining import drain
from kubeinstall.cluster.node import SOCKET
from kubeinstall.cluster.nodes import Nodes, question
from kubeinstall.engine.types import Output, Status
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.inventory.model import Kubelet, Taint
from kubeinstall.operations.nodes import CORDONED, NOTES
from kubeinstall.phases import kubelets, runtime
from kubeinstall.phases.phase import Phase, Run
from kubeinstall.releases import Version
from kubeinstall.run.runner import execute
from tests.unit.clusters import cluster
from tests.unit.played_cluster import Api
from tests.unit.played_session import Memory, PlayedSession, Why, played_run

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


def steps(session: PlayedSession) -> list[str]:
    """Rounds are not among them: what was asked for that changes a node."""
    words = ("cordon w", "cordon cp", "drain ", "uncordon", f"{SOCKET}=")
    return [
        " ".join(word for word in words if word in command)
        for _, command in session.asked
        if any(word in command for word in words)
    ]


def test_nodes_with_another_runtime_are_moved_workers_first() -> None:
    found = (node("cp1", DOCKER), node("w1", DOCKER), node("w2", CONTAINERD))
    run, session, memory = played_run(cluster(), answer=answering(*found))
    session.connect()
    runtime.run(run)
    assert session.rounds == [
        ("runtime", ["w2"], False),
        ("runtime", ["w1"], False),
        ("runtime", ["cp1"], False),
    ]
    assert [note for note in memory.notes if "switched" in note] == [
        "w1: switched from docker to containerd",
        "cp1: switched from docker to containerd",
    ]
    assert sum("drain" in step for step in steps(session)) == 2


def test_a_plan_drains_nothing() -> None:
    found = (node("cp1", CONTAINERD), node("w1", DOCKER), node("w2", CONTAINERD))
    run, session, memory = played_run(cluster(), dry=True, answer=answering(*found))
    session.connect()
    runtime.run(run)
    assert steps(session) == []
    assert any(
        n.startswith("w1: would be drained, switched from docker to contain") for n in memory.notes
    )


def test_a_node_that_cannot_be_moved_ends_it() -> None:
    found = (node("cp1", DOCKER), node("w1", DOCKER), node("w2", DOCKER))
    run, session, memory = played_run(cluster(), answer=answering(*found), fails={"w1": "runtime"})
    session.connect()
    runtime.run(run)
    assert [names for _, names, _ in session.rounds] == [["w1"]]
    assert "stopped here: the container runtimes of w2, cp1 are unchanged" in memory.notes


def test_a_budget_that_keeps_pods_is_named_and_the_node_takes_pods_again() -> None:
    marked = node("w1", DOCKER, **{CORDONED: "true"})
    blocked = Output(1, BLOCKED, "")
    answer = answering(node("cp1", CONTAINERD), marked, drained=blocked)
    run, session, _ = played_run(cluster(workers=1), answer=answer)
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
    run, session, _ = played_run(cluster(workers=1), answer=answering(found))
    session.connect()
    assert drain(run.kubectl, run.nodes(), run.cluster.host("w1")) is False
    assert steps(session) == ["drain "]


BASE = {"kind": "KubeletConfiguration", "cpuManagerPolicy": "none"}
STATE = "/var/lib/kubelet/cpu_manager_state"


def over(
    kubelet: Mapping[str, Any], names: Sequence[str] = ("w1", "w2"), **session: Any
) -> tuple[Run, PlayedSession, Memory, Api]:
    """A run over a cluster that a run before has put in order.

    Args:
        kubelet: settings that hosts get since then.
        names: those hosts.
    """
    made = cluster()
    api = Api(made, BASE)
    files = {
        kubelet_files.CONFIG: yaml.safe_dump(BASE),
        kubelet_files.FLAGS: f'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint={CONTAINERD}"\n',
        STATE: "{}",
    }

    def answer(host: str, command: str) -> Output:
        if "systemctl show kubelet.service" in command and "restart" not in command:
            return Output(0, "LoadState=loaded\nActiveState=active\n", "")
        if "kubelet-server-current.pem" in command:
            return Output(0, "yes\n", "")
        return api(host, command) if host == "cp1" else Output(0, "", "")

    run, before, _ = played_run(made, answer=answer, files=files)
    before.connect()
    kubelets.run(run)
    assert before.failures == {}
    own = Kubelet.model_validate(kubelet)
    hosts = [h.model_copy(update={"kubelet": own}) if h.name in names else h for h in made.hosts]
    wanted = made.model_copy(update={"hosts": tuple(hosts)})
    run, after, memory = played_run(wanted, answer=answer, **session)
    after.files = before.files
    api.calls.clear()
    after.connect()
    return run, after, memory, api


def story(session: PlayedSession) -> list[str]:
    """What was done to nodes and kubelets, in its order."""
    words = {
        " cordon ": "cordon",
        " drain ": "drain",
        "rm -f /var/lib/kubelet/cpu_manager_state": "forget",
        "systemctl restart kubelet": "restart",
        " uncordon ": "uncordon",
    }
    return [
        f"{words[part]} {next((n for n in ('w1', 'w2', 'cp1') if n in sent.command), sent.host)}"
        for sent in session.sent
        for part in words
        if part in sent.command and sent.why is not Why.FACT
    ]


def test_kubelets_are_changed_one_by_one_until_one_fails() -> None:
    everybody = ("cp1", "w1", "w2")
    run, session, memory, _ = over({"max_pods": 50}, everybody, fails={"w2": "kubelets"})
    execute(run, [Phase("kubelets", "", kubelets.run, kubelets.deploys)])
    changed = [h for h, command in session.did if "mv -fT" in command]
    assert list(dict.fromkeys(changed)) == ["w1", "w2"]
    assert "stopped here: the kubelets of cp1 are unchanged" in memory.notes
    assert list(memory.out) == ["w2"]


def test_kubelets_that_are_as_they_should_be_are_left_alone() -> None:
    run, session, _, api = over({})
    kubelets.run(run)
    assert (session.did, api.calls, run.changed) == ([], [], False)
    # Its nodes are asked for once, for nothing has changed.
    assert len([sent for sent in session.sent if "get nodes -o json" in sent.command]) == 1


def test_a_node_whose_policy_stays_keeps_its_pods() -> None:
    run, session, memory, _ = over({"max_pods": 50})
    kubelets.run(run)
    assert story(session) == ["restart w1", "restart w2"]
    told = [(event.host, event.status) for event in memory.events if event.status is not Status.OK]
    assert told == [("w1", Status.CHANGED), ("w2", Status.CHANGED)], (
        "what was only looked at is not"
    )


def test_a_node_with_another_policy_is_drained_while_its_kubelet_changes() -> None:
    """The pods that run there were given their CPUs by the old policy."""
    run, session, _, api = over({"config": {"cpuManagerPolicy": "static"}})
    kubelets.run(run)
    assert session.failures == {}
    assert story(session) == [
        *(f"{step} w1" for step in ("cordon", "drain", "forget", "restart", "uncordon")),
        *(f"{step} w2" for step in ("cordon", "drain", "forget", "restart", "uncordon")),
    ]
    assert not any(n["spec"].get("unschedulable") for n in api.nodes.values())


def test_what_the_cluster_says_of_its_kubelets() -> None:
    items = json.dumps({"items": [node("w1", DOCKER, **{CORDONED: "true"}), node("w2", "")]})
    shared = {"metadata": {"name": "kubelet-config-1.20"}, "data": {"kubelet": "a: 1"}}
    parent = {"metadata": {"name": "kubeinstall-addon-flannel"}}
    found = Nodes.parse(f"{items}\036ca\036{json.dumps({'items': [parent, shared]})}", "cp1")
    assert found.kubelets == kubelet_files.SharedConfig("kubelet-config-1.20", "a: 1")
    assert found.network_addons == {"flannel"}
    assert [one.name for one in found.items if one.is_cordoned_by_us] == ["w1"]
    assert [one.runtime for one in found.items] == ["docker", ""]
    assert found.node("w3") is None
    assert Nodes.parse(f"{items}\036ca", "cp1").kubelets is None
    assert "configmap kubelet-config-1.20 " in question(Version(1, 20, 2))
    assert "configmap kubelet-config " in question(Version(1, 24, 0))


@pytest.mark.parametrize(
    ("notes", "annotation", "expected"),
    [
        (None, False, ["create", "patch", "label a=1"]),
        ('{"labels": ["a", "gone"]}', False, ["label a=1", "patch"]),
        (None, True, ["create", "patch", "label a=1"]),
    ],
)
def test_what_is_noted_of_nodes_is_kept_in_kube_system(
    notes: str | None, annotation: bool, expected: list[str]
) -> None:
    """What a kubelet notes on its own node counts for nothing."""
    run, session, _, api = over({})
    labelled = run.cluster.host("w1").model_copy(update={"labels": {"a": "1"}})
    hosts = [labelled if h.name == "w1" else h for h in run.cluster.hosts]
    run.cluster = session.cluster = run.cluster.model_copy(update={"hosts": tuple(hosts)})
    if notes:
        api.maps[NOTES] = {"metadata": {"name": NOTES}, "data": {"w1": notes}}
    if annotation:
        own = '{"labels": ["a"], "taints": ["x:NoExecute"]}'
        api.nodes["w1"]["metadata"]["annotations"] = {kubelet_files.OWNED: own, NOTES: own}
    kubelets.run(run)
    assert [f"{w[0]} {w[3]}" if w[0] == "label" else w[0] for w in api.calls] == expected
    assert api.nodes["w1"]["metadata"]["labels"]["a"] == "1"
    assert json.loads(api.maps[NOTES]["data"]["w1"]) == {"labels": ["a"]}
    api.calls.clear()
    run.forget_nodes()
    kubelets.run(run)
    assert api.calls == []
    assert NOTES in question(Version(1, 36, 2))


@pytest.mark.parametrize("dry", [False, True])
def test_what_changes_of_labels_and_taints_is_shown(dry: bool) -> None:
    run, session, memory, api = over({}, dry=dry)
    taints = [Taint(key="only", value="gpu", effect="NoSchedule")]
    wanted = {"labels": {"a": "1"}, "taints": taints}
    own = run.cluster.host("w1").model_copy(update=wanted)
    hosts = [own if h.name == "w1" else h for h in run.cluster.hosts]
    run.cluster = session.cluster = run.cluster.model_copy(update={"hosts": tuple(hosts)})
    api.maps[NOTES] = {"metadata": {"name": NOTES}, "data": {"w1": '{"labels": ["gone"]}'}}
    api.nodes["w1"]["metadata"]["labels"]["gone"] = "x"
    kubelets.run(run)
    (shown,) = [event.diff for event in memory.events if event.diff]
    assert shown.splitlines() == ["+label a=1", "-label gone", "+taint only=gpu:NoSchedule"]
    assert ("gone" in api.nodes["w1"]["metadata"]["labels"]) is dry


def test_a_node_that_a_killed_run_left_cordoned_is_uncordoned_once() -> None:
    """By the rolling itself: what the cluster says is asked again before the rest is settled."""
    run, session, _, api = over({"config": {"cpuManagerPolicy": "static"}}, ["w1"])
    api.nodes["w1"]["spec"]["unschedulable"] = True
    api.nodes["w1"]["metadata"]["annotations"] = {CORDONED: "true"}
    kubelets.run(run)
    assert story(session) == [f"{step} w1" for step in ("drain", "forget", "restart", "uncordon")]
    assert not api.nodes["w1"]["spec"]["unschedulable"]


def test_a_node_that_a_killed_run_left_cordoned_is_uncordoned_though_nothing_changes() -> None:
    run, session, _, api = over({})
    api.nodes["w1"]["spec"]["unschedulable"] = True
    api.nodes["w1"]["metadata"]["annotations"] = {CORDONED: "true"}
    kubelets.run(run)
    assert api.calls == [["uncordon", "w1"], ["annotate", "node", "w1", f"{CORDONED}-"]]
    assert session.failures == {}


def test_kubeadm_is_told_of_the_runtime_that_a_node_got() -> None:
    found = (node("cp1", CONTAINERD), node("w1", DOCKER))
    run, session, _ = played_run(cluster(workers=1), answer=answering(*found))
    session.connect()
    runtime.run(run)
    assert session.failures == {}
    noted = [command for _, command in session.questions if f"{SOCKET}=" in command]
    assert len(noted) == 1
    assert f"{SOCKET}={CONTAINERD}" in noted[0]
    assert "node w1" in noted[0]


def test_the_certificates_of_kubelets_are_approved_with_them() -> None:
    """By the operation, which the API server's requests decide on."""
    run, session, _, _ = over({"config": {"serverTLSBootstrap": True}})
    kubelets.run(run)
    asked = [s for s in session.sent if "get csr" in s.command and s.why is Why.FACT]
    assert [sent.host for sent in asked][-1:] == ["cp1"]
