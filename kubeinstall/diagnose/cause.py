"""What a known cause is, and what a text shows of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """One known cause.

    Args:
        name: short and unique.
        pattern: searched in the failed command's output and in the evidence, without regard to
            case; its groups may be used in ``why`` and ``next`` as ``{1}``, ``{2}``.
        why: one sentence.
        next: the next command, or what to change.
        symptom: it tells that something does not run, and not what keeps it from running.
    """

    name: str
    pattern: str
    why: str
    next: str
    symptom: bool = False


@dataclass(frozen=True)
class Found:
    """A cause as a text shows it.

    Args:
        why: one sentence.
        next: the next command, or what to change.
        symptom: something else may be behind it.
    """

    why: str
    next: str
    symptom: bool = False
