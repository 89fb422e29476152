"""Which questions a host is asked for the facts that are wanted: as few processes as will do.

Most of what a question costs a host is the shell and the program that are started for it. So facts
with the same question share one, and pyinfra's facts about files are read by one program for all
their paths.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pyinfra.facts import files

from kubeinstall.engine.batch import Answer, Question
from kubeinstall.engine.requests import Request


@dataclass(frozen=True)
class Ask:
    """A question, and the requests that its answer is for.

    Args:
        requests: by path where the question is about several, else under one empty path.
    """

    question: Question
    requests: Mapping[str, Sequence[Request]]

    def share(self, answer: Answer) -> dict[Request, Answer]:
        """Each request's answer; none where the program did not say one line for each file."""
        found = _by_path(tuple(self.requests), answer) if "" not in self.requests else {"": answer}
        return {
            request: found[path]
            for path, requests in self.requests.items()
            if path in found
            for request in requests
        }


class Many(Protocol):
    """A fact's class whose command can be put for many at once, as several of ours can.

    ``asked`` are the keyword arguments of each.
    """

    def together(self, asked: Sequence[Mapping[str, Any]]) -> str:
        """The command for all of them."""

    def apart(
        self, output: Sequence[str], asked: Sequence[Mapping[str, Any]]
    ) -> Sequence[tuple[str, ...]]:
        """What the fact's own command would have printed for each.

        Raises:
            ValueError: the output cannot be parted.
        """


@dataclass(frozen=True)
class AskMany:
    """A question for many facts of one class.

    Args:
        requests: in the order in which they are asked.
    """

    fact: Many
    requests: Sequence[Request]

    @property
    def question(self) -> Question:
        return Question(self.fact.together([request.kwargs for request in self.requests]))

    def share(self, answer: Answer) -> dict[Request, Answer]:
        """Each request's answer; none where the host's answer cannot be parted."""
        try:
            asked = [request.kwargs for request in self.requests]
            parts = () if answer.exit_code else self.fact.apart(answer.lines, asked)
        except ValueError:
            return {}
        return {
            request: Answer(0, lines) for request, lines in zip(self.requests, parts, strict=False)
        }


@dataclass(frozen=True)
class _Program:
    """What reads many files at once.

    Args:
        reads: shell test of the paths that it can read: "$p".
        command: prints one line for each, in order.
    """

    reads: str
    command: str

    def question(self, paths: Iterable[str]) -> Question:
        # Says of each path whether it is read, then all that are.
        return Question(
            f"set -- {shlex.join(paths)}; for p do shift; "
            f'if {self.reads}; then echo 1; set -- "$@" "$p"; else echo 0; fi; done; '
            f'[ $# = 0 ] || {self.command} -- "$@"'
        )


_STAT = _Program('[ -e "$p" ] || [ -L "$p" ]', files.LINUX_STAT_COMMAND)
_HASHED = '[ -f "$p" ]'
_PROGRAMS = {
    files.File: _STAT,
    files.Directory: _STAT,
    files.Link: _STAT,
    files.Socket: _STAT,
    files.Sha1File: _Program(_HASHED, "sha1sum"),
    files.Sha256File: _Program(_HASHED, "sha256sum"),
    files.Md5File: _Program(_HASHED, "md5sum"),
}


def asks(requests: Iterable[Request]) -> list[Ask | AskMany]:
    """What to ask for these facts."""
    of_files: dict[_Program, dict[str, list[Request]]] = {}
    many: dict[Any, list[Request]] = {}
    others: dict[Question, list[Request]] = {}
    for request in requests:
        program, path = _PROGRAMS.get(request.fact), _path(request)
        if hasattr(request.fact, "together") and not (request.args or request.settings):
            many.setdefault(request.fact, []).append(request)
        elif program and path:
            of_files.setdefault(program, {}).setdefault(path, []).append(request)
        else:
            others.setdefault(request.asked[1], []).append(request)
    return [
        *(Ask(question, {"": same}) for question, same in others.items()),
        *(Ask(program.question(paths), paths) for program, paths in of_files.items()),
        *(AskMany(fact, same) for fact, same in many.items()),
    ]


def alone(requests: Iterable[Request]) -> list[Ask | AskMany]:
    """The same with pyinfra's own question for each: for those that came out of step."""
    return [Ask(request.asked[1], {"": [request]}) for request in requests]


def _path(request: Request) -> str | None:
    """The one absolute path that a fact is about, where it is asked for as root."""
    given = [*request.args, *request.kwargs.values()]
    if request.settings or len(given) != 1:
        return None
    [path] = given
    return path if isinstance(path, str) and path.startswith("/") else None


def _by_path(paths: Sequence[str], answer: Answer) -> dict[str, Answer]:
    flags, lines = answer.lines[: len(paths)], answer.lines[len(paths) :]
    if answer.exit_code or len(flags) < len(paths) or flags.count("1") != len(lines):
        return {}
    left = iter(lines)
    return {
        path: Answer(0, (next(left),) if flag == "1" else ())
        for path, flag in zip(paths, flags, strict=True)
    }
