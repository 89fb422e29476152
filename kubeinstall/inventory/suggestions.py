"""Guesses at what somebody meant to write."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word most like another one; None where none is near."""
    plain = _plain(word)
    for candidate in known:
        if _plain(candidate) == plain:
            return candidate
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``did you mean X?`` for the nearest known word, or nothing."""
    near = nearest(word, known)
    return f"did you mean {near}?" if near else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")
