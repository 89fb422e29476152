"""Wait for conditions, not for time."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition; the test fails if it is not met in time.

    Args:
        seconds: how long to wait at most.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not met within {seconds} s"
        time.sleep(0.05)
