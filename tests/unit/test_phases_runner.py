"""What runs, what does not, and how a run ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyinfra.api.deploy import deploy
from pyinfra.context import host
from pyinfra.facts.server import Hostname
from pyinfra.operations import server

from kubeinstall.engine.types import Deploys, Output, Status, Step
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases import connect
from kubeinstall.phases.phase import Phase, Run
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from kubeinstall.ssh.streams import ConnectionLost
from tests.unit.clusters import cluster
from tests.unit.local_session import steps
from tests.unit.played_session import PlayedSession, Why, played_run

pytestmark = pytest.mark.unit


def step_of(name: str) -> Step[None]:
    """A step with one operation that always changes something."""

    @deploy(name)
    def made() -> None:
        host.get_fact(Hostname)
        server.shell(name=f"Do {name}", commands=[f"do {name}"])

    (step,) = steps(made)
    return step


def phase(name: str, *, control_plane_only: bool = False, needs: bool = False) -> Phase:
    """A phase that deploys something everywhere, or on the first control plane."""
    one = step_of(name)

    def deploys(run: Run) -> Deploys:
        hosts = [h for h in run.hosts() if h.is_control_plane or not control_plane_only]
        return {host.name: [one] for host in hosts}

    def go(run: Run) -> None:
        run.round(name, deploys(run))

    return Phase(name, name, go, deploys, needs_control_plane=needs)


def on(session: PlayedSession, name: str) -> list[str]:
    """The hosts on which a phase did what it does."""
    return sorted(host for host, command in session.did if f"do {name}" in command)


CONNECT = Phase("connect", "Connect", connect.run, connects=True)
SOME = (CONNECT, phase("hosts"), phase("init", control_plane_only=True, needs=True))
MORE = (*SOME, phase("join", needs=True))


def test_the_phases_are_in_the_order_of_the_manual() -> None:
    assert " ".join(phase.name for phase in PHASES) == (
        "connect preflight hosts runtime packages images control-plane workers network kubelets "
        "ready addons smoke verify"
    )


def test_all_well_is_0() -> None:
    run, session, memory = played_run(cluster())
    assert execute(run, MORE) == 0
    assert session.locked
    assert memory.phases == ["connect", "hosts", "init", "join"]
    assert memory.hosts == ["cp1", "w1", "w2"]
    assert on(session, "hosts") == on(session, "join") == ["cp1", "w1", "w2"]
    assert on(session, "init") == ["cp1"]
    assert run.changed


def test_nothing_that_changes_is_no_change() -> None:
    run, _, _ = played_run(cluster())
    assert execute(run, (CONNECT, Phase("hosts", "", lambda _run: None))) == 0
    assert not run.changed


def test_facts_of_all_phases_are_read_before_the_first_changes_anything() -> None:
    run, session, _ = played_run(cluster())
    execute(run, MORE)
    first = next(n for n, sent in enumerate(session.sent) if sent.why is Why.CHANGE)
    before = [sent.host for sent in session.sent[:first] if sent.why is Why.FACT]
    assert sorted(before) == ["cp1", "w1", "w2"]


def test_a_dead_worker_stops_nobody_else() -> None:
    run, session, memory = played_run(cluster(), unreachable=["w2"])
    assert execute(run, MORE) == Kind.CONNECT
    assert on(session, "join") == ["cp1", "w1"]
    assert memory.out["w2"].what == "connection refused"
    assert "w2: connection refused" in memory.notes


def test_a_worker_that_fails_is_left_out_of_what_follows() -> None:
    run, session, memory = played_run(cluster(), fails={"w1": "hosts"})
    assert execute(run, MORE) == Kind.OPERATION
    assert on(session, "join") == ["cp1", "w2"]
    assert list(memory.out) == ["w1"]


def test_without_the_control_plane_nothing_runs_that_needs_it() -> None:
    run, session, memory = played_run(cluster(), unreachable=["cp1"])
    assert execute(run, MORE) == Kind.CONNECT
    assert [name for name, *_ in session.rounds] == ["hosts"]
    assert "cp1 failed, so these phases were skipped: init, join" in memory.notes


def test_a_control_plane_that_fails_stops_what_depends_on_it() -> None:
    run, session, memory = played_run(cluster(), fails={"cp1": "init"})
    assert execute(run, MORE) == Kind.OPERATION
    assert [name for name, *_ in session.rounds] == ["hosts", "init"]
    assert "cp1 failed, so these phases were skipped: join" in memory.notes


def test_nobody_left_nothing_run() -> None:
    run, session, _ = played_run(cluster(), unreachable=["cp1", "w1", "w2"])
    assert execute(run, MORE) == Kind.CONNECT
    assert session.rounds == []
    assert not session.locked


def test_the_first_failures_kind_is_the_exit_code() -> None:
    run, _, _ = played_run(cluster(), unreachable=["w1"], fails={"w2": "hosts"})
    assert execute(run, MORE) == Kind.CONNECT


def test_an_error_of_a_phase_ends_the_run() -> None:
    def stop(_run: Run) -> None:
        raise KubeinstallError(Finding(Kind.PREFLIGHT, "too small", ("cp1",)))

    run, session, memory = played_run(cluster())
    phases = (CONNECT, Phase("preflight", "", stop), phase("hosts"))
    assert execute(run, phases) == Kind.PREFLIGHT
    assert session.rounds == []
    assert [finding.what for finding in memory.errors] == ["too small"]


def test_an_interrupted_run_says_so() -> None:
    def stop(_run: Run) -> None:
        raise KeyboardInterrupt

    run, _, memory = played_run(cluster())
    assert execute(run, (CONNECT, Phase("ready", "", stop))) == Kind.INTERRUPTED
    assert "interrupted in phase ready" in memory.errors[0].what
    assert memory.hosts == ["cp1", "w1", "w2"]


def test_a_dry_run_takes_no_lock_and_waits_for_nothing() -> None:
    def never(_run: Run) -> None:
        raise AssertionError

    run, session, _ = played_run(cluster(), dry=True)
    assert execute(run, (*SOME, Phase("ready", "", never, planned=False))) == 0
    assert not session.locked
    assert all(dry for *_, dry in session.rounds)


def test_the_limit_leaves_the_control_plane_for_questions_only() -> None:
    run, session, memory = played_run(cluster())
    run.limit = frozenset({"w1"})
    assert execute(run, MORE) == 0
    assert session.alive == ["cp1", "w1"]
    assert [names for _, names, _ in session.rounds if names] == [["w1"], ["w1"]]
    assert memory.hosts == ["w1"]


def failing(name: str, said: str, evidence: str) -> tuple[list[str], Finding]:
    """A phase that fails on w1: who is asked for evidence, and why w1 is out.

    Args:
        said: what its command prints.
        evidence: what the kubelet has logged.
    """

    def answer(host: str, command: str) -> Output:
        if host == "w1" and f"do {name}" in command:
            return Output(1, "", said)
        told = f"\n\036kubelet-log\n{evidence}\n" if "part kubelet-log" in command else ""
        return Output(0, told, "")

    run, session, memory = played_run(cluster(), answer=answer)
    (real,) = [one for one in PHASES if one.name == name]
    failing = replace(phase(name), asks_why=real.asks_why)
    assert execute(run, (CONNECT, failing)) == Kind.OPERATION
    assert list(memory.out) == ["w1"]
    return [h for h, command in session.questions if "part kubelet-log" in command], memory.out[
        "w1"
    ]


@pytest.mark.parametrize("name", [phase.name for phase in PHASES if phase.deploys])
def test_a_failed_operations_cause_is_looked_for(name: str) -> None:
    """In all of its own output, whatever the phase: the last lines alone may be of no use."""
    more = "\n".join(f"and this line {number}" for number in range(20))
    _, finding = failing(name, f"[ERROR Port-10250]: Port 10250 is in use\n{more}", "")
    assert finding.why == "port 10250 is in use by another program"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("hosts", False),
        ("runtime", True),
        ("packages", False),
        ("images", False),
        ("control-plane", True),
        ("workers", True),
        ("network", True),
        ("kubelets", True),
        ("addons", False),
    ],
)
def test_a_host_whose_kubelet_or_runtime_failed_is_asked_for_the_cause(
    name: str, asked: bool
) -> None:
    assert {phase.name for phase in PHASES if phase.deploys} == {
        *("hosts", "runtime", "packages", "images", "control-plane"),
        *("workers", "network", "kubelets", "addons"),
    }, "each phase that deploys is in the list above"
    hosts, finding = failing(name, "it timed out", "E1127 running with swap on is not supported")
    assert hosts == (["w1"] if asked else [])
    assert ("swap" in finding.why) is asked


def test_the_first_reason_stays() -> None:
    """A host whose operation failed, and which then is not heard of any more."""

    def answer(host: str, command: str) -> Output:
        if host == "w1" and "do hosts" in command:
            return Output(1, "", "no space left")
        if host == "w1" and command == "ask":
            raise ConnectionLost("gone")
        return Output(0, "", "")

    def go(run: Run) -> None:
        phase("hosts").run(run)
        run.session.ask_all({"w1": "ask", "w2": "ask"})

    run, _, memory = played_run(cluster(), answer=answer)
    assert execute(run, (CONNECT, Phase("hosts", "", go))) == Kind.OPERATION
    assert memory.out["w1"].what == "Do hosts: failed"


def test_a_host_that_ends_a_phase_is_named_once() -> None:
    """As a host that is out, not as an error of the run beside it."""

    def answer(_host: str, command: str) -> Output:
        if command == "ask":
            raise ConnectionLost("gone")
        return Output(0, "", "")

    def go(run: Run) -> None:
        run.session.ask("cp1", "ask")

    run, _, memory = played_run(cluster(), answer=answer)
    assert execute(run, (CONNECT, Phase("ready", "", go), phase("hosts"))) == Kind.CONNECT
    assert list(memory.out) == ["cp1"]
    assert memory.errors == []
    assert memory.phases == ["connect", "ready"]


def test_after_a_change_a_phase_reads_what_it_needs_and_no_more() -> None:
    run, session, _ = played_run(cluster())
    assert execute(run, MORE) == 0
    facts = [sent.phase for sent in session.sent if sent.why is Why.FACT and sent.host == "w1"]
    assert facts == ["", "join"]


def test_warnings_about_logins_are_reported() -> None:
    run, session, memory = played_run(cluster())
    warning = Finding(Kind.CONNECT, "a new host key", ("w1",), severity="warning")
    session.warnings.append(warning)
    assert execute(run, (CONNECT,)) == 0
    assert memory.findings == [warning]


def test_a_fault_of_ours_ends_the_run_and_is_no_hosts_failure() -> None:
    def faulty() -> None:
        raise KeyError("nobody thought of it")

    def go(run: Run) -> None:
        run.round("hosts", {"w1": steps(faulty)})

    run, session, _ = played_run(cluster())
    with pytest.raises(KeyError) as caught:
        execute(run, (CONNECT, Phase("hosts", "", go), phase("never")))
    assert session.failures == run.out == {}
    assert caught.value.__notes__ == ["host w1: reading its state"]
    assert on(session, "never") == []


def test_a_host_that_is_lost_while_its_state_is_read_is_not_asked_again() -> None:
    """It is the first of its kind, which is asked before the others."""

    def answer(host: str, command: str) -> Output:
        if host == "cp1" and command != "ask":
            raise ConnectionLost("gone")
        return Output(0, "", "")

    run, session, memory = played_run(cluster(), answer=answer)
    session.connect()
    phase("hosts").run(run)
    assert [sent.host for sent in session.sent].count("cp1") == 1
    assert [event.status for event in memory.events if event.host == "cp1"] == [Status.FAILED]
    assert on(session, "hosts") == ["w1", "w2"]
