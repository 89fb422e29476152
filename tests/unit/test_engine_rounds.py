"""Rounds: facts in bulk, order, plans, retries; over this machine's shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyinfra.api.deploy import deploy
from pyinfra.context import host
from pyinfra.operations import files, python, server

from kubeinstall.engine.types import Status, Step
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession, steps
from tests.unit.small_deploys import (
    Content,
    Names,
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
