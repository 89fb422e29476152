"""What a known cause is, and what a text shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """How near to the root of a failure a cause is; the lowest counts."""

    ROOT = 0
    """It explains what is seen after it."""
    CONTAINER = 1
    """A part of the control plane ended: its own last words, which nobody knows yet."""
    EFFECT = 2
    """It tells that something does not run, and not what keeps it from running."""
    WARNING = 3
    """Somebody only warned of it."""


@dataclass(frozen=True)
class Cause:
    """One known cause.

    Args:
        name: short and unique.
        pattern: searched in the failed command's output and in the evidence, without regard to
            case; its groups may be used in ``why`` and ``next`` as ``{1}``, ``{2}``.
        why: one sentence.
        next: the next command, or what to change.
        rank: how near to the root it is.
        elsewhere: ``next`` is not done on the host that failed, and says itself where.
    """

    name: str
    pattern: str
    why: str
    next: str
    rank: Rank = Rank.ROOT
    elsewhere: bool = False


@dataclass(frozen=True)
class Found:
    """A cause as a text shows it.

    Args:
        why: one sentence.
        next: the next command, or what to change.
        rank: how near to the root it is.
        elsewhere: ``next`` is not done on the host that failed, and says itself where.
    """

    why: str
    next: str
    rank: Rank = Rank.ROOT
    elsewhere: bool = False

    @property
    def symptom(self) -> bool:
        """Something else may be behind it."""
        return self.rank > Rank.ROOT
