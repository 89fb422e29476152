"""Kill a run with SIGKILL while one phase of it runs, at a moment that nobody chose."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.running import REPO

SEED = "KUBEINSTALL_TEST_SEED"
"""The environment variable that repeats a test's random moments."""
LONGEST = 8.0
"""Seconds into a phase, at most."""
_TRIES = 10
_HALVINGS = 6
_ENDED = re.compile(r"^  [0-9.]+ s, [0-9]+ changes?$", re.MULTILINE)
_PHASE = re.compile(r"^phase ([a-z-]+): ", re.MULTILINE)


def chance() -> random.Random:
    """Random numbers; their seed is printed, and taken from the environment if it is there."""
    seed = os.environ.get(SEED) or str(random.SystemRandom().randrange(1_000_000))
    print(f"{SEED}={seed}")
    return random.Random(seed)


@dataclass(frozen=True)
class Output:
    """What a run has printed so far."""

    text: str

    def began(self, phase: str) -> bool:
        return phase in _PHASE.findall(self.text)

    def ended(self, phase: str) -> bool:
        """Whether a phase is over, by the line that ends it."""
        return bool(_ENDED.search(f"\n{self.text}".partition(f"\nphase {phase}: ")[2]))


def kill_within(phase: str, arguments: list[str], log: Path, chance: random.Random) -> float:
    """Start kubeinstall and kill it while a phase runs; once more, earlier, if the phase was over.

    Args:
        arguments: of kubeinstall.
        log: a file for what it prints.
        chance: where the moment comes from.

    Returns:
        how many seconds into the phase that was.

    Raises:
        AssertionError: the phase did not begin, or it always was over.
    """
    most = LONGEST
    for _ in range(_TRIES):
        # Short phases are as likely to be met as long ones.
        after = most * 2 ** -chance.uniform(0, _HALVINGS)
        lasted = _kill(phase, arguments, log, after)
        if lasted is None:
            print(f"killed in {phase} after {after:.2f} s")
            return after
        most = min(most, lasted)
    raise AssertionError(f"{phase} was over before each kill:\n{log.read_text()[-3000:]}")


def _kill(phase: str, arguments: list[str], log: Path, after: float) -> float | None:
    """Kill a run in a phase.

    Returns:
        None if the phase was running; else about how many seconds it took.
    """
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "kubeinstall", *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=REPO,
        )
        try:
            deadline = time.monotonic() + 600
            while not Output(log.read_text()).began(phase):
                said = log.read_text()[-3000:]
                assert process.poll() is None, f"it ended before {phase} began:\n{said}"
                assert time.monotonic() < deadline, f"{phase} did not begin:\n{said}"
                time.sleep(0.01)
            began = time.monotonic()
            while time.monotonic() < began + after and not Output(log.read_text()).ended(phase):
                time.sleep(min(0.01, after / 4))
            lasted = time.monotonic() - began
        finally:
            process.kill()
            process.wait()
    # It may have come to its end while it was being killed: what it printed last decides.
    return lasted if Output(log.read_text()).ended(phase) else None
