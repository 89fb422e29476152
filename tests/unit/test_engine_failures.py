"""Rounds in which something fails: whose failure it is, and what goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.deploy import deploy
from pyinfra.api.exceptions import DeployError, FactValueError, OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import files

from kubeinstall.findings import Kind, KubeinstallError
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession, steps
from tests.unit.small_deploys import (
    Absent,
    Bare,
    Broken,
    Commands,
    Syntax,
    everywhere,
    one,
    run,
)

pytestmark = pytest.mark.unit


def test_a_failure_ends_its_host_alone() -> None:
    @deploy("Fails on w1")
    def made() -> None:
        code = 3 if host.name == "w1" else 0
        run(script=f"echo said; echo reason >&2; exit {code}", name="Try")
        run(script="true", name="After")

    with LocalSession(cluster(workers=2)) as session:
        results = session.round("p", everywhere(session, made))
        assert session.alive == ["cp1", "w2"]
        again = session.round("q", everywhere(session, made))
    assert [e.operation for e in results["w1"].events] == ["Try"]
    failed = results["w1"].failed
    assert failed
    assert (failed.exit_code, failed.output) == (3, "said\nreason")
    finding = session.failures["w1"]
    assert (finding.kind, finding.where) == (Kind.OPERATION, "w1")
    assert "exited with code 3" in finding.why
    assert finding.why.endswith("reason")
    assert "w1" not in again
    assert [e.operation for e in results["w2"].events] == ["Try", "After"]


def raising(error: Exception) -> Bare:
    """A deploy with an operation that runs a command and raises this."""

    @operation()
    def faulty() -> Commands:
        yield StringCommand("true")
        raise error

    return one(lambda: faulty(name="Faulty"))


def test_what_an_operation_raises_of_a_host_is_the_hosts_failure() -> None:
    made = raising(OperationError("the token abcdef.0123456789abcdef is bad"))
    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(made)})
    why = session.failures["cp1"].why
    assert "is bad" in why
    assert "0123456789abcdef" not in why


@pytest.mark.parametrize("error", [OperationError("no"), FactValueError("no"), DeployError("no")])
def test_what_a_deploy_raises_of_a_host_is_the_hosts_failure(error: Exception) -> None:
    @deploy("Refuses")
    def made() -> None:
        raise error

    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(made)})
    assert session.failures["cp1"].what == "p cannot be prepared"


@pytest.mark.parametrize("dry", [True, False])
def test_a_fault_of_ours_ends_the_run_and_is_no_hosts_failure(tmp_path: Path, dry: bool) -> None:
    """What runs elsewhere is let end, and nothing is begun after it."""

    @deploy("Faulty on w1")
    def made() -> None:
        if host.name == "w1":
            while not dry and not (tmp_path / "began").exists():
                time.sleep(0.01)
            raise KeyError("nobody thought of it")
        script = f"touch {tmp_path}/began; sleep 1; touch {tmp_path}/ended"
        run(script=script, name="Slow")
        run(script=f"touch {tmp_path}/more", name="More")

    with LocalSession(cluster(workers=2)) as session:
        with pytest.raises(KeyError) as caught:
            session.round("p", {name: steps(made) for name in ("cp1", "w1")}, dry=dry)
        assert session.failures == {}
    assert caught.value.__notes__ == ["host w1: reading its state"]
    assert (tmp_path / "ended").exists() is not dry
    assert not (tmp_path / "more").exists()


def test_a_fault_that_only_a_plan_meets_ends_it_too() -> None:
    """An operation after a change runs through again for the plan."""
    asked = iter((False, True))

    @operation()
    def faulty() -> Commands:
        if next(asked):
            raise TypeError("of ours")
        yield from ()

    made = one(lambda: run(script="true", name="Change"), lambda: faulty(name="Faulty"))
    with LocalSession(cluster(workers=0)) as session:
        with pytest.raises(TypeError):
            session.round("p", {"cp1": steps(made)}, dry=True)
        assert session.failures == {}


def test_a_fault_in_an_operation_of_ours_ends_the_run() -> None:
    with LocalSession(cluster(workers=0)) as session:
        with pytest.raises(TypeError) as caught:
            session.round("p", {"cp1": steps(raising(TypeError("of ours")))})
        assert session.failures == {}
    assert caught.value.__notes__ == ["host cp1: Faulty"]


def test_a_fact_that_fails_fails_only_who_asks_for_it() -> None:
    @deploy("Only w1 asks")
    def made() -> None:
        if host.name == "w1":
            host.get_fact(Broken)
        host.get_fact(Syntax) if host.name == "w2" else None
        run(script="true", name="Fine")

    with LocalSession(cluster(workers=3)) as session:
        session.round("p", everywhere(session, made))
        assert session.alive == ["cp1", "w3"]
    assert "exited with code 7: no such thing" in session.failures["w1"].why
    assert "Syntax" in session.failures["w2"].why


def test_a_fact_without_its_program_is_its_default() -> None:
    values: list[str] = []
    made = one(lambda: values.append(host.get_fact(Absent)))
    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(made)})
    assert values[-1] == "absent"
    assert not session.failures


def test_a_timeout_and_a_lost_connection_say_so() -> None:
    made = one(lambda: run(script="sleep 20", name="Sleep", _timeout=1))
    with LocalSession(cluster(workers=1)) as session:
        session.round("p", {"cp1": steps(made)})
        session.shells["w1"].lost = True
        session.round("p", {"w1": steps(one(lambda: run(script="true", name="Cut")))})
    assert "longer than 1 s" in session.failures["cp1"].why
    assert "connection was lost" in session.failures["w1"].why


def test_a_host_that_is_lost_while_its_state_is_read_has_an_event_with_a_time() -> None:
    made = one(lambda: files.directory(path="/tmp", name="Folder"))
    with LocalSession(cluster(workers=0)) as session:
        session.shells["cp1"].lost = True
        session.round("p", {"cp1": steps(made)})
    (event,) = session.events
    assert event.operation_id == "facts.read"
    assert datetime.fromisoformat(event.time) <= datetime.now(UTC)


def test_an_interrupt_names_what_may_still_run() -> None:
    made = one(
        lambda: run(script="sleep 5", name="Long one"),
        lambda: run(script="true", name="Never begun"),
    )
    session = LocalSession(cluster(workers=0))

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while "Long one" not in session.doing.values() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with session, pytest.raises(KubeinstallError) as caught:
        session.round("p", {"cp1": steps(made)})
    assert caught.value.exit_code == Kind.INTERRUPTED
    assert "cp1: Long one" in caught.value.findings[0].why
    assert "Never begun" not in [event.operation for event in session.events]
    assert not session.failures
