"""Errors for people: what is wrong, where, why, and what to do next."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, Literal

Severity = Literal["error", "warning"]
_FEW, _FIRST = 8, 3


class Kind(IntEnum):
    """The kind of a finding; its value is the exit code of a run that ends with it."""

    INVENTORY = 10
    CONNECT = 11
    PREFLIGHT = 12
    OPERATION = 13
    CLUSTER = 14
    VERIFY = 15
    LOCKED = 16
    LAB = 17
    LOCAL = 18
    USAGE = 64
    INTERNAL = 70
    INTERRUPTED = 130


@dataclass(frozen=True)
class Place:
    """A place in a file.

    Args:
        file: its path, or the address it is downloaded from.
        line, column: counted from 1; None: the whole file, or line, is meant.
    """

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = (self.file, self.line, self.column)
        return ":".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        kind: which kind; decides the exit code.
        what: one sentence.
        hosts: names of all the hosts that it is about.
        why: the cause as far as it is known.
        next: what the user does next, a command where there is one.
        severity: a warning does not end a run.
        place: where it is, if it is about a file.
    """

    kind: Kind
    what: str
    hosts: tuple[str, ...] = ()
    why: str = ""
    next: str = ""
    severity: Severity = "error"
    place: Place | None = None

    @property
    def where(self) -> str:
        """Where it is, for people: ``file:line:column``, or the hosts' names."""
        return str(self.place) if self.place else listed(self.hosts)

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON knows it, with the kind's name, and ``where`` for people."""
        return {**asdict(self), "kind": self.kind.name, "where": self.where}

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        lines = [head]
        if self.why:
            lines.append(f"  why:  {_indented(self.why)}")
        if self.next:
            lines.append(f"  next: {_indented(self.next)}")
        return "\n".join(lines)


def listed(names: Sequence[str]) -> str:
    """Names of hosts for people: all of a few, the first of many with the number of all."""
    if len(names) <= _FEW:
        return ", ".join(names)
    first = ", ".join(names[:_FIRST])
    return f"{len(names)} hosts ({first} and {len(names) - _FIRST} more)"


def _indented(text: str) -> str:
    """More lines stand below the first, so nobody's words can pass for lines of ours."""
    return "\n        ".join(text.split("\n"))


def unwritable(what: str, error: OSError) -> Finding:
    """This machine cannot write something: its disk is full, or who reads it has gone.

    Args:
        what: what was written, e.g. ``the events file FILE``.
    """
    advice = {
        errno.EPIPE: "the program that reads the output must read all of it",
        errno.ENOSPC: "free space on that disk (df -h shows how full it is)",
        errno.EDQUOT: "free space within your quota",
    }
    return Finding(
        Kind.LOCAL,
        f"{what} cannot be written",
        why=error.strerror or str(error),
        next=advice.get(error.errno or 0, "choose a place that you can write to"),
    )


class KubeinstallError(Exception):
    """A run that cannot go on, with its findings."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings

    @property
    def exit_code(self) -> int:
        """The exit code of the first finding's kind."""
        return int(self.findings[0].kind) if self.findings else 1
