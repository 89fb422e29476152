"""Questions go to a control plane that answers, not to the first one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.cluster import kubeconfig
from kubeinstall.cluster.answering import QUESTION, choose
from kubeinstall.cluster.nodes import NO_CLUSTER, Nodes, Standing, best, question
from kubeinstall.deploys.addons import look
from kubeinstall.deploys.kubernetes.nodes import label
from kubeinstall.deploys.kubernetes.runtime_classes import runtime_classes
from kubeinstall.engine.types import Deploy, Deploys, Output
from kubeinstall.facts.addons import Addons
from kubeinstall.facts.serving_certificates import REQUESTS
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases import addons, connect, kubelets, network, reset, verify, workers
from kubeinstall.phases.phase import Run
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from kubeinstall.ssh.streams import ConnectionLost
from kubeinstall.verify.run import checks_for
from tests.unit.clusters import cluster
from tests.unit.kubeconfigs import ADMIN
from tests.unit.played_cluster import told
from tests.unit.played_session import Memory, PlayedSession, played_run

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).parents[2] / "kubeinstall"
THREE = cluster(workers=1, control_planes=3)
ALL = ["cp1", "cp2", "cp3"]

FIRST = {
    # What it is, and the endpoint's address where the inventory names none.
    "inventory/model/resolved.py",
    "preflight/addresses.py",
    # kubeadm init.
    "files/control_plane.py",
    "files/kubeadm.py",
    "phases/control_plane.py",
}
"""Files that may ask for the first control plane; every other question goes to one that answers."""


def test_only_init_asks_for_the_first_control_plane() -> None:
    # `building.first` is a function, `state.first` a field of Docker's settings.
    asks = re.compile(r"(?<!building)(?<!state)\.first\b")
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if asks.search(path.read_text(encoding="utf-8"))
    }
    assert found == FIRST


@pytest.mark.parametrize(
    ("usable", "answers", "expected"),
    [
        (ALL, None, "cp1"),
        (ALL, dict.fromkeys(ALL, True), "cp1"),
        (ALL, {"cp1": False, "cp2": True, "cp3": True}, "cp2"),
        (ALL, {"cp3": True}, "cp3"),
        (ALL, dict.fromkeys(ALL, False), "cp1"),
        (["cp2", "cp3", "w1"], {"cp1": True, "cp3": True}, "cp3"),
        (["cp2", "w1"], None, "cp2"),
        (["w1"], None, "cp1"),
        ([], {"cp2": True}, "cp1"),
    ],
)
def test_which_one_is_asked(
    usable: Collection[str], answers: Mapping[str, bool] | None, expected: str
) -> None:
    assert choose(THREE, usable, answers) == expected


def running(
    *,
    dead: Collection[str] = (),
    silent: Collection[str] = (),
    lost: Collection[str] = (),
    made: Cluster = THREE,
) -> tuple[Run, PlayedSession, Memory]:
    """A run on a cluster that answers.

    Args:
        dead: hosts that cannot be reached.
        silent: control planes whose API server does not answer.
        lost: hosts whose connection is cut by all but the question whether they answer.
    """

    def answer(host: str, command: str) -> Output:
        if host in lost and command != QUESTION and "kubectl" in command:
            raise ConnectionLost("cut")
        if host in silent and "kubectl" in command:
            return Output(1, "", "connection refused")
        if command == question(made.version):
            return Output(0, told(made), "")
        return Output(0, "", "")

    run, session, memory = played_run(made, unreachable=dead, answer=answer)
    connect.reach(run)
    session.sent.clear()
    return run, session, memory


def planned(deploys: Deploys, wanted: Deploy[Any]) -> list[str]:
    """The hosts on which a deploy runs, which is handed the host it runs on."""
    found = [(host, one) for host, these in deploys.items() for one in these]
    ours = [(host, one.inputs) for host, one in found if one.deploy is wanted]
    assert [inputs.host.name for _, inputs in ours] == [host for host, _ in ours]
    return [host for host, _ in ours]


def test_one_control_plane_costs_no_question() -> None:
    run, session, _ = running(made=cluster())
    assert run.answering.host() == "cp1"
    assert session.asked == []
    run.kubectl.ask("$kubectl get nodes")
    run.asked()
    assert [host for host, _ in session.asked] == ["cp1", "cp1"]


def test_three_are_asked_once_for_a_run() -> None:
    run, session, _ = running(silent=["cp1"])
    for _ in range(3):
        assert run.answering.host() == "cp2"
    run.kubectl.must("$kubectl get nodes")
    assert sorted(host for host, command in session.asked if command == QUESTION) == ALL
    assert session.asked[-1][0] == "cp2"


def test_it_is_asked_again_when_that_one_fails() -> None:
    run, session, _ = running()
    assert run.answering.host() == "cp1"
    session.fail("cp1", Finding(Kind.CONNECT, "lost", ("cp1",)))
    assert run.answering.host() == "cp2"
    session.fail("cp2", Finding(Kind.CONNECT, "lost", ("cp2",)))
    before = len(session.asked)
    assert run.answering.host() == "cp3"
    assert len(session.asked) == before


def test_it_is_asked_again_when_its_api_server_no_longer_answers() -> None:
    silent: list[str] = []
    run, _, _ = running(silent=silent)
    assert run.answering.host() == "cp1"
    silent.append("cp1")
    assert not run.kubectl.ask("$kubectl get nodes").ok
    assert run.answering.host() == "cp2"
    assert run.kubectl.ask("$kubectl get nodes").ok


def test_a_question_goes_on_to_the_next_when_its_host_is_lost() -> None:
    run, session, _ = running(lost=["cp1"])
    assert run.kubectl.answer("$kubectl get nodes").host == "cp2"
    assert run.asked().host == "cp2"
    assert list(session.failures) == ["cp1"]


def test_with_the_last_one_the_reason_is_told() -> None:
    run, session, _ = running(dead=["cp1", "cp2"], lost=["cp3"])
    with pytest.raises(KubeinstallError) as raised:
        run.kubectl.ask("$kubectl get nodes")
    assert raised.value.findings == (session.failures["cp3"],)


def test_what_failed_names_the_host_that_was_asked() -> None:
    run, session, _ = running(dead=["cp1"], silent=ALL)
    with pytest.raises(KubeinstallError) as raised:
        run.kubectl.must("$kubectl get nodes")
    (finding,) = raised.value.findings
    assert (finding.hosts, finding.why) == (("cp2",), "connection refused")
    assert finding.next.startswith("on cp2: ")
    assert [host for host, command in session.asked if "get nodes" in command] == ["cp2"]


@pytest.mark.parametrize("dead", [["cp1"], []])
def test_without_the_first_every_question_goes_to_the_second(dead: list[str]) -> None:
    """Dead: it cannot be reached; or it is up, and its API server is not."""
    run, session, _ = running(dead=dead, silent=["cp1"])
    assert run.asked().host == "cp2"
    assert run.control_plane() == "cp2"
    assert planned(addons.deploys(run), look) == ["cp2"]
    assert planned(kubelets.deploys(run), label) == ["cp2"]
    assert planned(network.deploys(run), runtime_classes) == ["cp2"]
    for host in THREE.hosts:
        own = [c for c in checks_for(THREE, host, "cp2") if c.__module__.endswith("cluster_state")]
        assert bool(own) is (host.name == "cp2")
    session.fact("cp2", Addons)
    run.kubectl.ask(f"$kubectl {REQUESTS}")
    asked = [host for host, command in session.asked if command != QUESTION]
    assert set(asked) == {"cp2"}


def test_a_phase_needs_any_control_plane() -> None:
    run, _, memory = running(dead=["cp1", "cp2"])
    execute(run, [phase for phase in PHASES if phase.name == "network"])
    assert memory.phases == ["network"]
    run, _, memory = running(dead=ALL)
    execute(run, [phase for phase in PHASES if phase.name == "network"])
    assert memory.phases == []
    assert memory.notes[-1] == "cp1, cp2, cp3 failed, so these phases were skipped: network"


def test_tokens_and_the_removal_of_a_node_go_to_it() -> None:
    run, session, _ = running(dead=["cp1"])
    with workers._no_token_left(run):
        pass
    assert [host for host, command in session.asked if "delete secret" in command] == ["cp2"]
    run.limit = frozenset({"w1"})
    reset.reset_workers(run)
    nodes_gone = [host for host, command in session.asked if "delete node w1" in command]
    assert nodes_gone == ["cp2"]


def test_a_cluster_stays_while_a_control_plane_stays() -> None:
    run, session, _ = running()
    run.limit = frozenset({"cp1", "w1"})
    reset.reset_workers(run)
    assert any("delete node w1" in command for _, command in session.asked)
    run, session, _ = running()
    run.limit = frozenset({*ALL, "w1"})
    reset.reset_workers(run)
    assert not any("delete node" in command for _, command in session.asked)


def test_a_limit_without_a_control_plane_changes_nothing_of_the_whole_cluster() -> None:
    run, _, _ = running()
    run.limit = frozenset({"w1"})
    assert run.control_plane() == ""
    run.limit = frozenset({"cp3"})
    assert run.control_plane() == "cp1"


def test_what_differs_is_told_of_the_host_that_said_so() -> None:
    made = cluster(control_planes=3, version="1.36.3")

    def answer(_host: str, command: str) -> Output:
        said = told(THREE) if command == question(made.version) else ""
        return Output(0, said, "")

    run, session, _ = played_run(made, unreachable=["cp1"], answer=answer)
    session.connect()
    found = connect.compare(run)
    assert [finding.hosts[0] for finding in found.stops] == ["cp2"]
    assert [result.host for result in verify._compared(run, found)] == ["cp2"]


def test_a_control_plane_that_was_installed_again_hides_no_cluster() -> None:
    """It has no cluster, while the others have one that does not answer."""

    def answer(host: str, command: str) -> Output:
        if command == question(THREE.version) and host == "cp1":
            return Output(0, NO_CLUSTER, "")
        return Output(1, "", "connection refused")

    run, session, _ = played_run(THREE, answer=answer)
    session.connect()
    assert run.asked() == Nodes.unknown("connection refused", "cp2")


def test_the_best_answer_counts() -> None:
    one, other = Nodes.unknown("why", "cp1"), Nodes(Standing.ANSWERED, host="cp3")
    assert best([Nodes(host="cp2"), one, other]) == other
    assert best([Nodes(host="cp2"), one]) == one
    assert best([Nodes(host="cp2")]) == Nodes(host="cp2")


def test_questions_need_the_control_planes_whatever_the_limit() -> None:
    run, session, _ = played_run(THREE)
    run.limit = frozenset({"w1"})
    connect.reach(run)
    assert session.alive == [*ALL, "w1"]
    assert [host.name for host in run.hosts()] == ["w1"]


@pytest.mark.parametrize(
    ("dead", "address"),
    [([], "10.0.0.10"), (["cp1"], "10.0.0.102"), (["cp1", "cp2"], "10.0.0.103")],
)
def test_the_kubeconfig_is_that_of_one_that_is_reached(
    monkeypatch: pytest.MonkeyPatch, dead: list[str], address: str
) -> None:
    monkeypatch.setattr(kubeconfig, "reaches", lambda host, _port: host == address)
    session = PlayedSession(
        THREE, unreachable=dead, answer=lambda _host, _command: Output(0, ADMIN, "")
    )
    fetched = kubeconfig.fetch(session, THREE)
    assert fetched["clusters"][0]["cluster"]["server"] == f"https://{address}:6443"
    (asked,) = {host for host, command in session.asked if command != QUESTION}
    assert THREE.host(asked).address == address
    assert "w1" not in session.alive


def test_without_any_control_plane_each_failure_is_told() -> None:
    session = PlayedSession(THREE, unreachable=ALL)
    with pytest.raises(KubeinstallError) as raised:
        kubeconfig.fetch(session, THREE)
    assert [finding.hosts for finding in raised.value.findings] == [(name,) for name in ALL]
