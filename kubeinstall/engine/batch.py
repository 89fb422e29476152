"""Many questions to a host in one shell script, and its answers told apart again."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from kubeinstall.engine.types import Output

_MISSING = "missing"
_CODE = re.compile(r"\d{1,3}", re.ASCII)


class FactError(Exception):
    """A fact could not be read."""


@dataclass(frozen=True)
class Question:
    """A read-only shell snippet.

    Args:
        needs: a program without which it is not asked.
    """

    script: str
    needs: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a question's snippet said.

    Args:
        missing: the program it needs is not there.
    """

    exit_code: int
    lines: tuple[str, ...]
    errors: tuple[str, ...] = ()
    missing: bool = False


def ask_script(questions: Sequence[Question]) -> tuple[str, str]:
    """The script, and the mark that ends each answer in its outputs."""
    # Nobody can know the mark before, so nobody's output can hold it.
    mark = f"KI{secrets.token_hex(8)}"
    ending = f"printf '\\n{mark} %s\\n' \"$r\"; printf '\\n{mark}\\n' >&2"
    return "".join(f"{_one(question)}; {ending}\n" for question in questions), mark


def _one(question: Question) -> str:
    # In a subshell with nothing to read it can neither end the script nor eat it; through eval
    # its syntax errors are its own.
    ask = f"(eval {shlex.quote(question.script)}) </dev/null; r=$?"
    if question.needs:
        program = shlex.quote(question.needs)
        return f"if command -v {program} >/dev/null 2>&1; then {ask}; else r={_MISSING}; fi"
    return ask


def answers(output: Output, mark: str) -> list[Answer]:
    """The answers in order; fewer than questions if the script did not come to its end.

    What cannot be understood, and all after it, is no answer.
    """
    errors = [section for section, _ in _sections(output.stderr, mark)]
    found = []
    for number, (lines, code) in enumerate(_sections(output.stdout, mark)):
        said = errors[number] if number < len(errors) else ()
        missing = code == _MISSING
        if not missing and not _CODE.fullmatch(code):
            break
        found.append(Answer(0 if missing else int(code), lines, said, missing))
    return found


def _sections(text: str, mark: str) -> list[tuple[tuple[str, ...], str]]:
    """Each section's lines, and what stands after the mark that ends it."""
    found: list[tuple[tuple[str, ...], str]] = []
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(mark):
            # The mark's own newline leaves one empty line where the output ended with one.
            if lines and lines[-1] == "":
                lines.pop()
            found.append((tuple(lines), line[len(mark) :].strip()))
            lines = []
        else:
            lines.append(line)
    return found
