"""Secrets in what operations print: known from their commands, over several lines, and cut."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from pyinfra.api.operation import operation

from kubeinstall.engine.execute import _SEEN
from kubeinstall.engine.redact import MASK
from kubeinstall.engine.types import Status
from kubeinstall.operations.commands import Command
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession
from tests.unit.small_deploys import everywhere, one

pytestmark = pytest.mark.unit

SECRET = "correct-horse-battery"


@operation()
def prints(text: str, **given: Any) -> Generator[Command]:
    yield Command(f"cat; echo words >&2; exit {given.pop('code', 1)}", stdin=text, **given)


def said(text: str, **given: Any) -> tuple[LocalSession, str]:
    """What is told of an operation that prints a text."""
    made = one(lambda: prints(text=text, name="Print", **given))
    with LocalSession(cluster(workers=0)) as session:
        if not given.get("secrets"):
            session.redact.hide(SECRET)
        session.round("test", everywhere(session, made))
        events = [f"{event.output} {event.diff}" for event in session.events]
        findings = [str(finding) for finding in session.failures.values()]
    return session, "\n".join([*events, *findings, *session.lines])


def test_what_a_command_says_is_secret_is_hidden() -> None:
    session, text = said(f"x {SECRET} y", secrets=(SECRET,))
    assert session.events[0].status is Status.FAILED
    assert SECRET not in text
    assert MASK in text
    # And from then on, whoever prints it.
    assert session.redact(SECRET) == MASK


@pytest.mark.parametrize("offset", [5, 20])
def test_a_long_output_is_not_cut_inside_a_secret(offset: int) -> None:
    end = "y" * (_SEEN - len(SECRET) + offset - 1)
    _, text = said(f"{'x' * 100}{SECRET}{end}")
    assert not any(SECRET[at : at + 6] in text for at in range(len(SECRET) - 6))


@pytest.mark.parametrize("at", [5, 12, len(SECRET) - 1])
def test_streamed_lines_that_share_a_secret(at: int) -> None:
    session, text = said(f"one\nsay {SECRET[:at]}\n{SECRET[at:]} end\nlast", stream=True, code=0)
    assert session.events[0].status is Status.CHANGED
    assert SECRET[:at] not in text
    assert session.lines == ["cp1: one", f"cp1: say {MASK}", f"cp1: {MASK} end", "cp1: last"]


def test_a_line_that_waits_is_told_at_the_end() -> None:
    session, _ = said(f"one\nends with {SECRET[:8]}", stream=True, code=0)
    assert session.lines[-1] == f"cp1: ends with {SECRET[:8]}"


def test_lines_of_a_question_share_one_too() -> None:
    with LocalSession(cluster(workers=0)) as session:
        session.redact.hide(SECRET)
        lines: list[str] = []
        script = f"echo {SECRET[:9]}; echo {SECRET[9:]}"
        session.ask("cp1", script, on_line=lambda _, line: lines.append(line))
    assert lines == [MASK, MASK]
