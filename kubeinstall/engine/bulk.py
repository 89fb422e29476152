"""Facts in bulk: what is asked of a host is noted first, then read in one script.

A deploy is run through with what is known; each fact that is not known yet is noted and answered
by its default. Then all noted facts are read at once, and the deploy is run through again, until
nothing is missing. A host that is as it should be costs one round trip.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.exceptions import FactProcessError
from pyinfra.api.facts import FactBase, ShortFactBase
from pyinfra.api.util import get_kwargs_str

from kubeinstall.engine.types import Output

_NO_COMMAND = 111


class FactError(Exception):
    """A fact could not be read."""


@dataclass(frozen=True)
class Request:
    """One fact with its arguments."""

    cls: type[FactBase[Any]]
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, fact: type[FactBase[Any]], args: Sequence[Any], kwargs: dict[str, Any]) -> Request:
        """The request, less pyinfra's global arguments: everything is asked as root."""
        own = {key: value for key, value in kwargs.items() if not key.startswith("_")}
        return cls(
            fact, tuple(map(_frozen, args)), tuple(sorted((k, _frozen(v)) for k, v in own.items()))
        )

    def question(self) -> Question:
        """The fact as it is asked once: some remember their command when they read the answer."""
        fact = self.cls()
        arguments = dict(self.kwargs)
        made = fact.command(*self.args, **arguments)
        text = made if isinstance(made, str) else made.get_raw_value()
        needed = fact.requires_command(*self.args, **arguments)
        if needed:
            text = f"command -v {needed} >/dev/null 2>&1 || exit {_NO_COMMAND}\n{text}"
        return Question(self, fact, text)

    def default(self) -> Any:
        """What counts while it is not known."""
        return self.cls().default()

    def __str__(self) -> str:
        return f"{self.cls.name}({get_kwargs_str(dict(self.kwargs))})"


@dataclass(frozen=True)
class Question:
    """A request, ready to be asked.

    Args:
        script: the shell snippet that answers it.
    """

    request: Request
    fact: FactBase[Any]
    script: str

    def value(self, code: int, lines: list[str]) -> Any:
        """The fact, from how its snippet ended.

        Raises:
            FactError: the snippet failed, or nobody understands what it printed.
        """
        if code == _NO_COMMAND or (code == 0 and not lines):
            return self.fact.default()
        if code != 0:
            raise FactError(f"{self.request} ended with {code}: {' / '.join(lines[-3:])}")
        try:
            return self.fact.process(lines)
        except (FactProcessError, ValueError, IndexError, KeyError, TypeError) as error:
            raise FactError(f"{self.request} printed what cannot be read: {error!r}") from error


class Facts:
    """What is known of one host.

    Args:
        ask: runs a script (given on standard input) on the host.
    """

    def __init__(self, ask: Callable[[str], Output]) -> None:
        self._ask = ask
        self._known: dict[Request, Any] = {}
        self.missing: dict[Request, None] = {}
        self.noted: dict[Request, None] = {}
        self.recording = False
        self.trips = 0

    def get(self, fact: Any, *args: Any, **kwargs: Any) -> Any:
        """In the place of pyinfra's ``host.get_fact``."""
        if issubclass(fact, ShortFactBase):
            return fact().process_data(self.get(fact.fact, *args, **kwargs))
        request = Request.of(fact, args, kwargs)
        self.noted[request] = None
        if request not in self._known:
            if self.recording:
                self.missing[request] = None
                return request.default()
            self.read([request])
        return self._known[request]

    def read(self, requests: Iterable[Request]) -> None:
        """Read what is not known of these, in one round trip.

        Raises:
            FactError: one of them could not be read.
        """
        wanted = [request for request in requests if request not in self._known]
        if not wanted:
            return
        mark = f"KI{secrets.token_hex(8)}"
        questions = [request.question() for request in wanted]
        answer = self._ask(_script([question.script for question in questions], mark))
        self.trips += 1
        found = _sections(answer.stdout, mark)
        if len(found) != len(wanted):
            tail = answer.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise FactError(
                f"the host answered {len(found)} of {len(wanted)} questions "
                f"(exit code {answer.exit_code}): {tail[0]}"
            )
        for question, (code, lines) in zip(questions, found, strict=True):
            self._known[question.request] = question.value(code, lines)

    def known(self, request: Request) -> bool:
        """Whether it need not be read."""
        return request in self._known

    def forget(self) -> None:
        """Something has changed: what was known may be wrong."""
        self._known.clear()


def _script(snippets: Sequence[str], mark: str) -> str:
    # Each in a subshell with nothing to read: it can neither end the script nor eat it.
    parts = [
        f"(\n{snippet}\n) </dev/null 2>/dev/null\nprintf '\\n{mark} %s\\n' $?"
        for snippet in snippets
    ]
    return "\n".join(parts) + "\n"


def _sections(text: str, mark: str) -> list[tuple[int, list[str]]]:
    """Exit code and lines of each snippet, in order."""
    found: list[tuple[int, list[str]]] = []
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(mark):
            # The mark's own newline leaves one empty line where the output ended with one.
            if lines and lines[-1] == "":
                lines.pop()
            found.append((int(line.split()[1]), lines))
            lines = []
        else:
            lines.append(line)
    return found


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    if isinstance(value, dict):
        return tuple(sorted((key, _frozen(item)) for key, item in value.items()))
    return value
