"""What a row of the table is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What ``up`` does about another value of a field."""

    CARRIED = "carried out"
    REFUSED = "refused"
    REPORTED = "reported"
    NEXT = "used from now on"


@dataclass(frozen=True)
class Row:
    """Fields of which a change does the same.

    Args:
        paths: dotted, ``*`` for any key. ``host.`` stands for what may be set for a host, whether
            in ``defaults``, in a group or at the host.
        effect: of another value.
        what: how, or why not.
        test: what holds it, ``file::function`` below ``tests/``.
    """

    paths: tuple[str, ...]
    effect: Effect
    what: str
    test: str


def row(paths: str, effect: Effect, what: str, test: str) -> Row:
    """A row of one or more paths, with spaces between.

    Args:
        paths, effect, what, test: as ``Row`` has them.
    """
    return Row(tuple(paths.split()), effect, what, test)
