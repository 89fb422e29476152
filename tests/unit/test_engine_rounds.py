"""Rounds: facts in bulk, order, failures, plans, retries; over this machine's shell."""

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
from pyinfra.operations import files, python, server

from kubeinstall.engine.types import Status, Step
from kubeinstall.findings import Kind, KubeinstallError
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession, steps
from tests.unit.small_deploys import (
    Absent,
    Bare,
    Broken,
    Commands,
    Content,
    Names,
    Syntax,
    content,
    everywhere,
    follow,
    one,
    run,
    three_files,
)

pytestmark = pytest.mark.unit


def test_the_second_run_changes_nothing_in_one_trip_each(tmp_path: Path) -> None:
    made = three_files(tmp_path)
    with LocalSession(cluster(workers=1)) as session:
        first = session.round("p", everywhere(session, made))
    assert [e.status for r in first.values() for e in r.events] == [Status.CHANGED] * 6
    assert (tmp_path / "w1.c").read_text() == "x"
    with LocalSession(cluster(workers=1)) as session:
        second = session.round("p", everywhere(session, made))
        assert [e.status for r in second.values() for e in r.events] == [Status.OK] * 6
        assert [len(shell.scripts) for shell in session.shells.values()] == [1, 1]


def test_prefetch_makes_several_rounds_cost_one_trip(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one").touch()
    seen: dict[str, list[str]] = {}

    @deploy("Nested")
    def nested() -> None:
        # The second question hangs on the first's answer.
        if host.get_fact(Content, path="/proc/self/comm"):
            seen[host.name] = host.get_fact(Names, path=str(tmp_path / "sub"))

    other = one(lambda: content(name="Nothing to do", path=str(tmp_path / "no"), text=""))
    with LocalSession(cluster(workers=3)) as session:
        rounds = everywhere(session, nested, other)
        session.prefetch(rounds)
        session.round("p", everywhere(session, nested))
        session.round("q", everywhere(session, other))
        trips = {name: len(shell.scripts) for name, shell in session.shells.items()}
    assert seen == {name: ["one"] for name in trips}
    # The first of a kind finds out what there is to ask; the others are asked it all at once.
    assert trips == {"cp1": 2, "w1": 1, "w2": 1, "w3": 1}


def test_facts_are_read_again_after_a_change(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("old")
    target.write_text("old")
    made = one(
        lambda: content(name="Write", path=str(source), text="new"),
        lambda: follow(name="Follow", source=str(source), target=str(target)),
    )
    with LocalSession(cluster(workers=0)) as session:
        result = session.round("p", {"cp1": steps(made)})["cp1"]
    assert [event.operation for event in result.changed] == ["Write", "Follow"]
    assert target.read_text() == "new"


@pytest.mark.parametrize("fails", [False, True])
def test_what_one_host_changes_another_sees_in_the_next_round(tmp_path: Path, fails: bool) -> None:
    """Also what it changed before it failed."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("old")
    target.write_text("old")
    copy = one(lambda: follow(name="Follow", source=str(source), target=str(target)))
    write = one(lambda: content(name="Write", path=str(source), text="new"))
    end = one(lambda: run(script=f"printf new > {source}; exit 1", name="Fail"))
    with LocalSession(cluster(workers=1)) as session:
        assert not session.round("p", {"w1": steps(copy)})["w1"].changed
        session.round("q", {"cp1": steps(end if fails else write)})
        session.round("r", {"w1": steps(copy)})
    assert target.read_text() == "new"


def test_a_fact_may_be_changed_by_who_asked(tmp_path: Path) -> None:
    lengths: list[int] = []

    @deploy("Greedy")
    def greedy() -> None:
        names = host.get_fact(Names, path=str(tmp_path))
        lengths.append(len(names))
        names.append("mine")

    (tmp_path / "one").touch()
    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(greedy)})
        session.round("q", {"cp1": steps(greedy)})
    assert lengths == [0, 1, 1]


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


def test_a_plan_runs_nothing_and_counts_with_itself(tmp_path: Path) -> None:
    path = tmp_path / "f"

    @deploy("Handler")
    def made() -> None:
        changed = content(name="Configure", path=str(path), text="x")
        run(script="touch /nonexistent/never", name="Restart", _if=changed.did_change)

    with LocalSession(cluster(workers=0)) as session:
        planned = session.round("p", {"cp1": steps(made)}, dry=True)["cp1"]
        assert not path.exists()
        path.write_text("x")
        session.forget()
        quiet = session.round("p", {"cp1": steps(made)}, dry=True)["cp1"]
    assert [(e.operation, e.status) for e in planned.events] == [
        ("Configure", Status.PLANNED),
        ("Restart", Status.PLANNED),
    ]
    assert planned.events[0].diff == "+x\n"
    assert "change above" in planned.events[1].output
    assert [e.status for e in quiet.events] == [Status.OK, Status.OK]


def test_pyinfras_own_arguments_hold(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    made = one(
        lambda: run(script="exit 4", name="Ignored", _ignore_errors=True),
        lambda: run(
            script=f"test -e {mark} || {{ touch {mark}; exit 9; }}",
            name="Again",
            _retries=1,
            _retry_delay=0,
        ),
        lambda: run(
            script=f'echo "$WORD" > {tmp_path}/env; pwd >> {tmp_path}/env',
            name="Environment",
            _env={"WORD": "a b"},
            _chdir=str(tmp_path),
        ),
        lambda: run(script="exit 5", name="Fine", _success_exit_codes=[5]),
        lambda: run(script=f"cat > {tmp_path}/stdin", name="Input", _stdin=["one", "two"]),
        lambda: python.call(
            name="Call", function=lambda: server.shell(commands=[f"touch {tmp_path}/nested"])
        ),
    )
    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(made)})
    assert not session.failures
    assert (tmp_path / "env").read_text() == f"a b\n{tmp_path}\n"
    assert (tmp_path / "stdin").read_text() == "one\ntwo\n"
    assert (tmp_path / "nested").exists()


def test_stock_operations_settle(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"\x00\xff bytes")
    made = one(
        lambda: files.directory(name="Folder", path=f"{tmp_path}/d", mode="700"),
        lambda: files.put(name="Put", src=str(local), dest=f"{tmp_path}/d/put", mode="640"),
        lambda: files.line(name="Line", path=f"{tmp_path}/d/line", line="hello"),
    )
    with LocalSession(cluster(workers=0)) as session:
        first = session.round("p", {"cp1": steps(made)})["cp1"]
        second = session.round("p", {"cp1": steps(made)})["cp1"]
    assert len(first.changed) == 3
    assert not second.changed
    put = tmp_path / "d" / "put"
    assert put.read_bytes() == b"\x00\xff bytes"
    assert put.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    local, kept = tmp_path / "local", tmp_path / "kept"
    local.write_text("new")
    kept.touch(mode=0o604)
    made = one(lambda: files.put(name="Put", src=str(local), dest=str(kept)))
    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(made)})
    assert kept.read_text() == "new"
    assert kept.stat().st_mode & 0o777 == 0o604
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "local"]


def test_only_streamed_commands_are_told_line_by_line() -> None:
    made = one(
        lambda: run(script="echo loud; echo abcdef.0123456789abcdef", name="Loud", stream=True),
        lambda: run(script="echo quiet", name="Quiet"),
    )
    with LocalSession(cluster(workers=0)) as session:
        session.redact.hide("loud")
        session.round("p", {"cp1": steps(made)})
    assert session.lines == ["cp1: ********", "cp1: ********"]
    assert session.events[1].output == "quiet"


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


@pytest.mark.parametrize("workers", [2, 3])
def test_each_host_gets_its_own_inputs_of_one_deploy(tmp_path: Path, workers: int) -> None:
    """And what one asks for is known for all, whatever they are handed; a few do not wait."""
    seen: dict[str, str] = {}

    @deploy("Inputs")
    def made(inputs: str) -> None:
        if host.get_fact(Content, path="/proc/self/comm"):
            host.get_fact(Names, path=str(tmp_path))
            seen[host.name] = inputs

    with LocalSession(cluster(workers=workers)) as session:
        session.round("p", {name: [Step(made, f"of {name}")] for name in session.alive})
        trips = [len(shell.scripts) for shell in session.shells.values()]
    names = ["cp1", *(f"w{number}" for number in range(1, workers + 1))]
    assert seen == {name: f"of {name}" for name in names}
    assert trips == ([2, 2, 2] if workers == 2 else [2, 1, 1, 1])
