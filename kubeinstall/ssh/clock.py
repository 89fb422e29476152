"""A clock that goes on while this machine is asleep."""

from __future__ import annotations

import time

# Linux' monotonic clock stands still in a suspended machine. macOS has no BOOTTIME, but there
# CLOCK_MONOTONIC itself goes on (clock_gettime(3)), other than Python's time.monotonic().
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds since some moment before the program's start."""
    return time.clock_gettime(_CLOCK)
