"""What a host that is as it should be costs: one question a file program, one run an operation."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.deploy import deploy
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts import files

from kubeinstall.engine import backend, bulk
from kubeinstall.engine.batch import Answer, answers, ask_script
from kubeinstall.engine.bulk import Facts
from kubeinstall.engine.requests import Request
from kubeinstall.engine.together import Ask, AskMany, alone, asks
from kubeinstall.engine.types import Output, Status
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession, steps
from tests.unit.small_deploys import Commands, Content, Names, content, everywhere, one, run

pytestmark = pytest.mark.unit

FACTS = (files.File, files.Directory, files.Link, files.Socket, files.Sha1File, files.Md5File)


def shell(script: str) -> Output:
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    return Output(done.returncode, done.stdout, done.stderr)


def told(wanted: list[Ask | AskMany]) -> dict[Request, Answer]:
    script, mark = ask_script([ask.question for ask in wanted])
    found: dict[Request, Answer] = {}
    for ask, answer in zip(wanted, answers(shell(script), mark), strict=True):
        found.update(ask.share(answer))
    return found


def of_each(paths: list[str]) -> list[Request]:
    return [Request.plain(fact, {"path": path}) for path in paths for fact in FACTS]


def test_one_program_says_of_all_files_what_pyinfras_own_questions_say(tmp_path: Path) -> None:
    names = ("plain", "a b", "quo'te", "-n", "dollar$x", "new\nline", "back\\slash", "empty")
    for name in names:
        (tmp_path / name).write_text("" if name == "empty" else name)
    (tmp_path / "folder").mkdir(mode=0o2751)
    (tmp_path / "link").symlink_to("plain")
    (tmp_path / "dangling").symlink_to("nowhere")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    there = [*names, "folder", "link", "dangling", "socket"]
    requests = of_each([str(tmp_path / name) for name in ("none", *there, "none either")])
    questions = asks(requests)
    server.close()
    assert len(questions) == 3
    together, singly = told(questions), told(alone(requests))
    assert set(together) == set(requests)
    assert {r: r.value(a) for r, a in together.items()} == {
        r: r.value(a) for r, a in singly.items()
    }


def test_of_files_that_are_not_there_nothing_is_started(tmp_path: Path) -> None:
    [ask] = asks([Request.plain(files.File, {"path": f"{tmp_path}/{n}"}) for n in range(3)])
    assert shell(f"PATH=/nowhere; {ask.question.script}") == Output(0, "0\n0\n0\n", "")


def test_facts_with_the_same_question_share_its_answer() -> None:
    class Same(Content):
        pass

    requests = [Request.plain(fact, {"path": "/proc/self/comm"}) for fact in (Content, Same)]
    [ask] = asks(requests)
    assert list(ask.share(Answer(0, ("sh",)))) == requests


@pytest.mark.parametrize(
    "arguments", [{"path": "~/x"}, {"path": "relative"}, {"path": "/x", "_su_user": "nobody"}]
)
def test_only_absolute_paths_that_root_reads_are_read_together(arguments: Any) -> None:
    class Around:
        current_op_global_arguments = None
        current_deploy_kwargs = None

    request = Request.of(Around, files.File, (), arguments)
    assert [ask.question for ask in asks([request])] == [request.asked[1]]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(0, ("1", "1", "one line for two files")),
        Answer(0, ("1", "0", "a line", "and one too many")),
        Answer(1, ("1", "0", "a line")),
        Answer(0, ("1",)),
        Answer(0, ("0",)),
        Answer(0, ()),
    ],
)
def test_an_answer_out_of_step_is_none_and_each_is_asked_alone(answer: Answer) -> None:
    requests = [Request.plain(files.File, {"path": path}) for path in ("/", "/proc")]
    [ask] = asks(requests)
    assert ask.share(answer) == {}


def test_facts_that_came_out_of_step_are_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = Facts(shell)
    monkeypatch.setattr(bulk, "asks", lambda _: [])
    requests = [Request.plain(files.Directory, {"path": path}) for path in ("/", "/proc")]
    facts.read(requests)
    assert facts.known(requests)
    assert facts.trips == 1


class Ran(Counter[str]):
    """How often operations ran through, by name."""

    def operation(self, name: str, path: Path | None = None, **arguments: Any) -> None:
        @operation()
        def counted() -> Commands:
            self[name] += 1
            if path and host.get_fact(Content, path=str(path)):
                yield StringCommand(f"rm {path}")

        counted(name=name, **arguments)


def test_an_operation_that_has_nothing_to_do_runs_through_once(tmp_path: Path) -> None:
    ran = Ran()
    made = one(lambda: ran.operation("a", tmp_path / "a"), lambda: ran.operation("b", tmp_path))
    with LocalSession(cluster(workers=0)) as session:
        # So that the facts are known, and preparing takes one pass.
        session.prefetch(everywhere(session, made))
        for dry in (True, False):
            ran.clear()
            result = session.round("p", everywhere(session, made), dry=dry)["cp1"]
            assert [e.status for e in result.events] == [Status.OK] * 2
            assert ran == {"a": 1, "b": 1}


@pytest.mark.parametrize("dry", [True, False])
def test_after_a_change_operations_run_through_again(tmp_path: Path, dry: bool) -> None:
    ran = Ran()
    made = one(
        lambda: ran.operation("before", tmp_path / "x"),
        lambda: content(name="Change", path=str(tmp_path / "y"), text="y"),
        lambda: ran.operation("after", tmp_path / "x"),
        lambda: ran.operation("asks nothing"),
    )
    with LocalSession(cluster(workers=0)) as session:
        session.prefetch(everywhere(session, made))
        ran.clear()
        session.round("p", everywhere(session, made), dry=dry)
    assert ran == {"before": 1, "after": 2, "asks nothing": 2}


def test_what_an_earlier_operation_breaks_is_mended_though_it_was_as_it_should_be(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f"
    path.write_text("right")
    made = one(
        lambda: run(name="Break", script=f"printf wrong > {path}"),
        lambda: content(name="Correct the file", path=str(path), text="right"),
    )
    with LocalSession(cluster(workers=0)) as session:
        result = session.round("p", {"cp1": steps(made)})["cp1"]
    assert [e.status for e in result.events] == [Status.CHANGED] * 2
    assert path.read_text() == "right"


@pytest.mark.parametrize("arguments", [{"_if": lambda: True}, {"_retries": 1}])
def test_what_depends_on_its_own_run_runs_through_again(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    ran = Ran()
    made = one(lambda: ran.operation("a", tmp_path / "a", **arguments))
    with LocalSession(cluster(workers=0)) as session:
        session.prefetch(everywhere(session, made))
        ran.clear()
        session.round("p", everywhere(session, made))
    assert ran["a"] == 2


def test_a_fact_whose_preconditions_are_not_met_fails_its_operation() -> None:
    class Unmet(FactBase[str]):
        def check_preconditions(self, state: Any, host: Any) -> str | None:
            del state, host
            return "not now"

        def command(self) -> str:
            return "echo never"

    @operation()
    def asks_for_it() -> Commands:
        host.get_fact(Unmet)
        yield from ()

    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(one(lambda: asks_for_it(name="Ask")))})
    assert "not now" in session.failures["cp1"].why


def test_hosts_have_the_data_that_a_deploy_brings_along() -> None:
    seen: list[Any] = []

    @deploy("Data", data_defaults={"word": "given"})
    def made() -> None:
        seen.append(host.data.word)
        host.data.own = "set"
        seen.append((host.data.own, host.data.get("none", "default")))

    with LocalSession(cluster(workers=0)) as session:
        session.round("p", {"cp1": steps(made)})
    assert seen == ["given", ("set", "default")]


@pytest.mark.parametrize("present", [True, False])
def test_what_is_costly_is_asked_only_once_it_is_known_to_be_needed(
    tmp_path: Path, present: bool
) -> None:
    path = tmp_path / "file"
    if present:
        path.write_text("x")

    class Costly(Content):
        costly = True

        def command(self, path: str) -> str:
            return f"touch {path}.asked; echo y"

    @operation()
    def counted() -> Commands:
        if not host.get_fact(Content, path=str(path)):
            yield StringCommand(f"printf %s {host.get_fact(Costly, path=str(path))} >{path}")

    asked = Path(f"{path}.asked")
    with LocalSession(cluster(workers=0)) as session:
        session.round("p", everywhere(session, one(lambda: counted(name="Write it"))))
    assert asked.exists() is not present
    assert path.read_text() == ("x" if present else "y")


def test_the_checks_of_a_host_ask_for_the_same_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(command: str) -> Output:
        asked.append(command)
        return Output(len(asked), "", "")

    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    made = backend.LiveBackend("h1", ask)
    assert [made.run("cat %s", "/a").rc, made.run("cat /a").rc, made.run("cat /b").rc] == [1, 1, 2]
    now[0] += 1.5
    assert made.run("cat /a").rc == 3
    assert asked == ["cat /a", "cat /b", "cat /a"]


def loaded(after: str) -> set[str]:
    """Which packages a new interpreter has imported after these statements."""
    program = f"{after}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_connecting_needs_neither_pyinfra_nor_what_it_imports() -> None:
    before = loaded("import kubeinstall.engine.session")
    assert "paramiko" in before
    assert not before & {"pyinfra", "gevent", "invoke", "asyncio", "unittest"}


def test_invoke_can_still_be_imported() -> None:
    assert "invoke" in loaded("import kubeinstall.ssh.lean, invoke")
    assert "invoke" in loaded("import invoke, kubeinstall.ssh.lean")


CONNECT = (
    "import gc; from tests.unit.clusters import cluster; "
    "from kubeinstall.engine.session import Session; "
    "session = Session(cluster(workers=0)); session.connect([])"
)


def test_pyinfra_is_there_when_hosts_are_connected() -> None:
    assert "pyinfra" in loaded(CONNECT)


def test_the_collector_is_spared_what_is_imported_once() -> None:
    loaded(f"{CONNECT}; assert gc.get_freeze_count() > 10_000")
    loaded(
        f"{CONNECT}; before = gc.get_freeze_count(); session.connect([]); "
        "assert gc.get_freeze_count() <= before"
    )


def runs_and_trips(
    made: Any, ran: Counter[str], workers: int = 4
) -> tuple[dict[str, int], list[int]]:
    """How often the deploy ran through on each host of a round, and each host's round trips."""
    ran.clear()
    with LocalSession(cluster(workers=workers)) as session:
        result = session.round("p", everywhere(session, made))
        trips = [len(shell.scripts) for shell in session.shells.values()]
    assert not [e for r in result.values() for e in r.events if e.status is not Status.OK]
    return dict(ran), trips


def test_many_hosts_that_ask_for_the_same_run_through_once(tmp_path: Path) -> None:
    ran: Counter[str] = Counter()

    @deploy("Counted")
    def same() -> None:
        ran[host.name] += 1
        if not host.get_fact(Content, path="/proc/self/comm"):
            # Asked for only where the first answer is not known yet, and never needed.
            host.get_fact(Names, path=str(tmp_path))
        content(name="Nothing to do", path=str(tmp_path / "none"), text="")

    runs, trips = runs_and_trips(same, ran)
    # The first and the last one are compared; the first one finds out what there is to ask.
    assert runs == {"cp1": 4, "w1": 1, "w2": 1, "w3": 1, "w4": 2}
    assert trips == [1] * 5


def test_hosts_that_ask_for_things_of_their_own_still_cost_one_trip(tmp_path: Path) -> None:
    ran: Counter[str] = Counter()

    @deploy("Counted")
    def own() -> None:
        ran[host.name] += 1
        content(name="Nothing to do", path=str(tmp_path / host.name), text="")

    runs, trips = runs_and_trips(own, ran)
    assert runs == {"cp1": 4, "w1": 2, "w2": 2, "w3": 2, "w4": 3}
    assert trips == [1] * 5


def test_few_hosts_are_not_compared(tmp_path: Path) -> None:
    ran: Counter[str] = Counter()

    @deploy("Counted")
    def same() -> None:
        ran[host.name] += 1
        content(name="Nothing to do", path=str(tmp_path / "none"), text="")

    runs, trips = runs_and_trips(same, ran, workers=2)
    assert runs == {"cp1": 2, "w1": 2, "w2": 2}
    assert trips == [1] * 3


def test_what_one_host_alone_asks_for_costs_the_others_no_trip(tmp_path: Path) -> None:
    @deploy("One asks for more")
    def made() -> None:
        if host.get_fact(Content, path="/proc/self/comm") and host.name == "w2":
            host.get_fact(Names, path=str(tmp_path))

    with LocalSession(cluster(workers=4)) as session:
        for _ in range(2):
            session.round("p", everywhere(session, made))
        trips = {name: len(shell.scripts) for name, shell in session.shells.items()}
    assert trips == {"cp1": 1, "w1": 1, "w2": 2, "w3": 1, "w4": 1}
