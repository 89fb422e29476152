"""Where in a YAML file something is, and what is wrong there: what error messages point at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from kubeinstall.findings import Place

Loc = tuple[str | int, ...]
"""A place in the file: keys and list indexes from the top."""


@dataclass(frozen=True)
class Issue:
    """Something wrong at a place of the file, before it has a line number.

    Args:
        loc: the place; where it is not in the file, the nearest place above it counts.
        what: one sentence, with the value.
        at_key: point at the key, not at its value.
        doubts: other places that cannot be judged because of it.
    """

    loc: Loc
    what: str
    why: str = ""
    next: str = ""
    severity: Literal["error", "warning"] = "error"
    at_key: bool = False
    doubts: tuple[Loc, ...] = ()


@dataclass(frozen=True)
class Position:
    """Line and column, both counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"

    @classmethod
    def of(cls, mark: yaml.Mark | None) -> Position:
        return cls(mark.line + 1, mark.column + 1) if mark else cls(1, 1)


START = Position(1, 1)


def placed(path: Path, position: Position | None) -> Place:
    """The place of a position in its file; None: the whole file."""
    return Place(str(path), position.line, position.column) if position else Place(str(path))


@dataclass(frozen=True)
class Spot:
    """Where a key and its value are, and the value as it was written (scalars only)."""

    key: Position
    value: Position
    text: str | None = None


@dataclass
class Parsed:
    """What was read.

    Args:
        value: plain values; every key is text as it was written.
        spots: the position of each place.
        issues: what is wrong with the YAML but does not keep it from being read further.
    """

    value: Any = None
    spots: dict[Loc, Spot] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def position(self, issue: Issue) -> Position:
        """The position an issue points at."""
        loc = issue.loc
        while loc and loc not in self.spots:
            loc = loc[:-1]
        spot = self.spots.get(loc)
        if spot is None:
            return START
        at_key = issue.at_key or loc != issue.loc
        return spot.key if at_key else spot.value


class UnreadableError(Exception):
    """The file cannot be read at all; its message, position and advice."""

    def __init__(
        self, what: str, position: Position | None = None, why: str = "", next: str = ""
    ) -> None:
        super().__init__(what)
        self.what, self.position, self.why, self.next = what, position, why, next


def dotted(loc: Loc) -> str:
    """A place as people write it: ``cluster.runtime.name``, ``hosts.w1.taints[0].key``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"
