"""What hosts, pods and objects say, at every exit: no codes, no forged lines, no floods."""

from __future__ import annotations

import ast
import io
import json
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kubeinstall
from kubeinstall.cli.errors import report
from kubeinstall.engine import exits
from kubeinstall.engine.events import EventLog
from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.report import door
from kubeinstall.report.live import Progress
from kubeinstall.report.plan import Plan
from kubeinstall.report.terminal import Terminal
from kubeinstall.verify.check import Result
from kubeinstall.verify.formats import FORMATS
from kubeinstall.verify.status import AddonStatus, NodeStatus, as_text

pytestmark = pytest.mark.unit

CLIPBOARD = "\x1b]52;c;cm0gLXJmIC8=\x07"
HOSTILE = (
    f"{CLIPBOARD}\x1b[2J\x9b31m\x90q\x9c\x08\x7f\r \u202emoc.elgoog\u202c \u2066x\u2069"
    "\u200bz\ufeff\U000e0041\u2028 \ud800 [red]r[/red] [link=http://evil]l[/link]"
)
SEEN = "Zeile äöü 日本語 العربية नमस्ते 👩‍👧 naïve … ✓"
ALLOWED = {
    *map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2)),
    *("\U000110bd", "\U000110cd"),
    *("\n", "\t"),
}


def harmless(text: str) -> bool:
    """Whether a terminal prints these characters, and people see them."""
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    return not [c for c in bad if c not in ALLOWED and c not in "\u200c\u200d"]


def test_every_character_that_is_not_seen_is_escaped() -> None:
    for number in range(0x110000):
        character = chr(number)
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            kept = exits.cleaned(f"a{character}b") == f"a{character}b"
            assert kept == (character in ALLOWED), hex(number)


def test_ordinary_words_are_as_they_were() -> None:
    assert exits.cleaned(f"{SEEN}\n\tx\r\n") == f"{SEEN}\n\tx\n"
    assert exits.cleaned("pass\u200dword \r") == "pass\\u200dword \\r"
    assert exits.cleaned(CLIPBOARD) == "\\x1b]52;c;cm0gLXJmIC8=\\x07"


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_nothing_gets_through(text: str) -> None:
    once = exits.cleaned(text)
    assert harmless(once)
    assert exits.cleaned(once) == once
    assert "\n" not in exits.line(text)


def test_a_flood_is_cut_and_counted() -> None:
    shown = exits.said("x" * 10_000_000)
    assert len(shown) < exits.MESSAGE + 100
    assert shown.endswith("(9980000 more characters)")
    assert len(max(shown.split("\n"), key=len)) < exits.LINE + 100
    assert len(exits.line("y" * 10_000_000)) < exits.LINE + 100


def test_a_secret_is_not_cut_into_two_that_nobody_knows() -> None:
    with exits.knowing():
        exits.hide(["correct-horse-battery"])
        for most in range(1, 40):
            shown = exits.said("x" * 10 + "correct-horse-battery" + "y" * 10, most)
            assert "corr" not in shown


# --- one door ---------------------------------------------------------------------------------

DOORS = {"report/door.py", "engine/exits.py"}
FORBIDDEN = {
    "print",
    "input",
    *(f"click.{name}" for name in ("echo", "secho", "prompt", "confirm", "getchar", "pause")),
    *("click.echo_via_pager", "click.progressbar", "click.edit"),
    *(f"sys.{name}" for name in ("stdout", "stderr", "__stdout__", "__stderr__", "displayhook")),
    *("rich.print", "pprint.pprint", "traceback.print_exc", "traceback.print_exception"),
    *("warnings.warn", "logging.basicConfig", "logging.StreamHandler", "faulthandler.enable"),
    *("rich.console.Console", "rich.text.Text", "rich.markup.render", "rich.text.Text.from_markup"),
}


def ways_out(tree: ast.Module) -> set[str]:
    """The names that a module uses, in full, of those that print."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname or one.name: one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.Attribute | ast.Name):
            text = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            first, dot, rest = text.partition(".")
            found.add(f"{known.get(first, first)}{dot}{rest}")
    # An annotation alone prints nothing.
    notes = {ast.unparse(n) for a in ast.walk(tree) for n in notes_of(a)}
    return {name for name in found & FORBIDDEN if name.rpartition(".")[2] not in notes}


def notes_of(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
        return [node.annotation]
    return []


def test_there_is_one_door() -> None:
    top = Path(kubeinstall.__file__).parent
    other = {
        str(path.relative_to(top)): found
        for path in top.rglob("*.py")
        if str(path.relative_to(top)) not in DOORS
        and (found := ways_out(ast.parse(path.read_text())))
    }
    assert not other


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "import click\nclick.echo(1)",
        "from click import echo as say\nsay(1)",
        "import sys\nsys.stdout.write('')",
        "from sys import stderr\nstderr.write('')",
        "from rich.console import Console\nConsole().print(1)",
        "import sys as s\nf(file=s.stderr)",
    ],
)
def test_another_door_would_be_found(source: str) -> None:
    assert ways_out(ast.parse(source))


# --- every exit -------------------------------------------------------------------------------


def finding() -> Finding:
    return Finding(
        Kind.CLUSTER, f"what {HOSTILE}", (f"w1 {HOSTILE}",), f"why\n{HOSTILE}\nok: x", HOSTILE
    )


@pytest.mark.parametrize("plain", [True, False])
def test_the_reporter(plain: bool) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return not plain

    file = Tty()
    reporter = Terminal(door.console(plain=plain, file=file), verbose=True, plan=Plan())
    reporter.phase_begins("hosts", HOSTILE)
    for status in Status:
        reporter.event(Event("w1", "hosts", HOSTILE, status, output=HOSTILE, diff=f"+{HOSTILE}"))
    reporter.line(f"w1{HOSTILE}", HOSTILE)
    reporter.waiting(HOSTILE)
    reporter.note(f"{HOSTILE}\nphase images: done", HOSTILE)
    reporter.finding(finding())
    reporter.ends(["w1"], {"w1": finding()}, [finding()])
    said = file.getvalue()
    if plain:
        assert harmless(said)
    # Colours and the live view are ours; what moves a cursor or sets a clipboard is not.
    assert "\x1b]" not in said.replace("\x1b]8;", "")
    assert "\x07" not in said
    assert "\x9b" not in said
    assert "\u202e" not in said
    assert "[red]r[/red]" in said
    assert "evil" not in "".join(part.split("\x07")[0] for part in said.split("\x1b]8;")[1:])
    assert "\nphase images: done" not in said


def test_the_live_view() -> None:
    file = io.StringIO()
    out = door.console(plain=True, file=file)
    progress = Progress(out)
    progress.busy = lambda: {f"w1{HOSTILE}": HOSTILE}
    progress.start(HOSTILE)
    progress.wait(HOSTILE)
    out.print(progress)
    progress.stop()
    assert harmless(file.getvalue())
    assert "[red]" in file.getvalue()


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    report(KubeinstallError(finding()))
    said = capsys.readouterr().err
    assert harmless(said)
    # More lines of a reason are below it, and none begins where ours begin.
    assert "\n        ok: x" in said
    assert all(line.startswith(("error: ", "  ")) for line in said.splitlines())


def test_an_internal_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kubeinstall.cli.errors.cache", lambda: tmp_path)
    with exits.knowing():
        exits.hide(["correct-horse"])
        report(RuntimeError(f"correct-horse {HOSTILE}"))
    (file,) = tmp_path.iterdir()
    assert harmless(file.read_text() + capsys.readouterr().err)
    assert "correct-horse" not in file.read_text()


@pytest.mark.parametrize("form", FORMATS)
def test_verify(form: str) -> None:
    hostile = Result(
        "w1", "system.x", HOSTILE, failed=True, message=f"{HOSTILE}\n  ok  x", next=HOSTILE
    )
    flood = Result("w1", "system.x", "t", failed=True, message="x" * 10_000_000)
    text = FORMATS[form]([hostile, flood])
    assert harmless(text)
    assert len(text) < 200_000
    if form == "json":
        assert json.loads(text)["checks"][0]["message"].startswith(HOSTILE)
    if form == "junit":
        ET.fromstring(text)
    if form == "text":
        assert "\n  ok  x" not in text


def test_status() -> None:
    node = NodeStatus("w1", "worker", HOSTILE, "no", HOSTILE, f"{HOSTILE}\nw9 ok", problem=HOSTILE)
    text = as_text([node], [AddonStatus(HOSTILE, HOSTILE), AddonStatus("a", "1", HOSTILE)])
    assert harmless(text)
    assert "\nw9" not in text


def test_events_and_plans(tmp_path: Path) -> None:
    event = Event("w1", "hosts", HOSTILE, Status.PLANNED, output=HOSTILE, diff=HOSTILE)
    log = EventLog(tmp_path / "events")
    with exits.knowing():
        exits.hide(["correct-horse"])
        log(event)
        log(Event("w1", "hosts", "the correct-horse", Status.OK))
        log.close()
        plan = Plan([event])
        text = door.as_json(plan.as_dict({"w1": finding()}))
    first, second = (tmp_path / "events").read_text().splitlines()
    assert first.isascii()
    assert json.loads(first)["output"] == HOSTILE
    assert "correct-horse" not in second
    assert text.isascii()
    assert json.loads(text)["changes"][0]["diff"] == HOSTILE


def test_questions_and_documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nname\n"))
    door.confirmed(HOSTILE)
    assert door.asked(HOSTILE) == "name"
    door.echo(HOSTILE)
    door.document(HOSTILE)
    captured = capsys.readouterr()
    assert harmless(captured.out + captured.err)
