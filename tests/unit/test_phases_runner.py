"""What runs, what does not, and how a run ends."""

from __future__ import annotations

import pytest

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases import connect
from kubeinstall.phases.phase import Deploys, Phase, Run
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from tests.unit.clusters import cluster
from tests.unit.fakes import fake_run

pytestmark = pytest.mark.unit


def phase(name: str, *, control_plane_only: bool = False, needs: bool = False) -> Phase:
    """A phase that deploys something everywhere, or on the first control plane."""

    def deploys(run: Run) -> Deploys:
        hosts = [h for h in run.hosts() if h.is_control_plane or not control_plane_only]
        return {host.name: [] for host in hosts}

    def go(run: Run) -> None:
        run.round(name, deploys(run))

    return Phase(name, name, go, deploys, needs_control_plane=needs)


CONNECT = Phase("connect", "Connect", connect.run)
SOME = (CONNECT, phase("hosts"), phase("init", control_plane_only=True, needs=True))
MORE = (*SOME, phase("join", needs=True))


def test_the_phases_are_in_the_order_of_the_manual() -> None:
    assert " ".join(phase.name for phase in PHASES) == (
        "connect preflight hosts runtime packages images control-plane workers network kubelets "
        "ready addons smoke verify"
    )


def test_all_well_is_0() -> None:
    run, session, memory = fake_run(cluster())
    assert execute(run, MORE) == 0
    assert session.locked
    assert memory.phases == ["connect", "hosts", "init", "join"]
    assert memory.hosts == ["cp1", "w1", "w2"]
    assert not run.changed


def test_facts_of_all_phases_are_read_before_the_first_changes_anything() -> None:
    run, session, _ = fake_run(cluster())
    execute(run, MORE)
    assert set(session.prefetched) == {"cp1", "w1", "w2"}
    assert len(session.prefetched) == 3


def test_a_dead_worker_stops_nobody_else() -> None:
    run, session, memory = fake_run(cluster(), unreachable=["w2"])
    assert execute(run, MORE) == Kind.CONNECT
    assert session.rounds[-1] == ("join", ["cp1", "w1"], False)
    assert memory.out["w2"].what == "connection refused"
    assert "w2: connection refused" in memory.notes


def test_a_worker_that_fails_is_left_out_of_what_follows() -> None:
    run, session, memory = fake_run(cluster(), fails={"w1": "hosts"})
    assert execute(run, MORE) == Kind.OPERATION
    assert session.rounds[-1] == ("join", ["cp1", "w2"], False)
    assert list(memory.out) == ["w1"]


def test_without_the_control_plane_nothing_runs_that_needs_it() -> None:
    run, session, memory = fake_run(cluster(), unreachable=["cp1"])
    assert execute(run, MORE) == Kind.CONNECT
    assert [name for name, *_ in session.rounds] == ["hosts"]
    assert "cp1 failed, so these phases were not run: init, join" in memory.notes


def test_a_control_plane_that_fails_stops_what_depends_on_it() -> None:
    run, session, memory = fake_run(cluster(), fails={"cp1": "init"})
    assert execute(run, MORE) == Kind.OPERATION
    assert [name for name, *_ in session.rounds] == ["hosts", "init"]
    assert "cp1 failed, so these phases were not run: join" in memory.notes


def test_nobody_left_nothing_run() -> None:
    run, session, _ = fake_run(cluster(), unreachable=["cp1", "w1", "w2"])
    assert execute(run, MORE) == Kind.CONNECT
    assert session.rounds == []
    assert not session.locked


def test_the_first_failures_kind_is_the_exit_code() -> None:
    run, _, _ = fake_run(cluster(), unreachable=["w1"], fails={"w2": "hosts"})
    assert execute(run, MORE) == Kind.CONNECT


def test_an_error_of_a_phase_ends_the_run() -> None:
    def stop(_run: Run) -> None:
        raise KubeinstallError(Finding(Kind.PREFLIGHT, "too small", "cp1"))

    run, session, memory = fake_run(cluster())
    phases = (CONNECT, Phase("preflight", "", stop), phase("hosts"))
    assert execute(run, phases) == Kind.PREFLIGHT
    assert session.rounds == []
    assert [finding.what for finding in memory.errors] == ["too small"]


def test_an_interrupted_run_says_so() -> None:
    def stop(_run: Run) -> None:
        raise KeyboardInterrupt

    run, _, memory = fake_run(cluster())
    assert execute(run, (CONNECT, Phase("ready", "", stop))) == Kind.INTERRUPTED
    assert "interrupted in phase ready" in memory.errors[0].what
    assert memory.hosts == ["cp1", "w1", "w2"]


def test_a_dry_run_takes_no_lock_and_waits_for_nothing() -> None:
    def never(_run: Run) -> None:
        raise AssertionError

    run, session, _ = fake_run(cluster(), dry=True)
    assert execute(run, (*SOME, Phase("ready", "", never, planned=False))) == 0
    assert not session.locked
    assert all(dry for *_, dry in session.rounds)


def test_the_limit_leaves_the_control_plane_for_questions_only() -> None:
    run, session, memory = fake_run(cluster())
    run.limit = frozenset({"w1"})
    assert execute(run, MORE) == 0
    assert session.alive == ["cp1", "w1"]
    assert [names for _, names, _ in session.rounds if names] == [["w1"], ["w1"]]
    assert memory.hosts == ["w1"]


def test_a_failed_operations_cause_is_looked_for() -> None:
    run, session, memory = fake_run(cluster(), fails={"w1": "workers"})

    def go(run: Run) -> None:
        session._fails = {"w1": "workers"}
        run.round("workers", {"w1": []})
        run.failed_output["w1"] = "[ERROR Port-10250]: Port 10250 is in use"

    execute(run, (CONNECT, Phase("workers", "", go)))
    assert memory.out["w1"].why == "port 10250 is in use by another program"
