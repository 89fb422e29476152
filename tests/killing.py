"""Kill a run with SIGKILL while one phase of it runs, at a moment that nobody chose."""

from __future__ import annotations

import os
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

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
        # Short phases are as likely to be met as long ones. A phase that was over has less to do
        # the next time: the moment is a share of what it took last.
        after = most * 2 ** -chance.uniform(0, _HALVINGS)
        lasted = _kill(phase, arguments, log, after)
        if lasted is None:
            print(f"killed in {phase} after {after:.3f} s")
            return after
        most = min(most, lasted)
    raise AssertionError(f"{phase} was over before each kill:\n{log.read_text()[-3000:]}")


def _kill(phase: str, arguments: list[str], log: Path, after: float) -> float | None:
    """Kill a run in a phase.

    Returns:
        None if the phase was running; else about how many seconds it took.
    """
    with log.open("w") as out, _started(arguments, out) as run:
        try:
            come = run.prints(lambda said: said.began(phase), 600)
            assert come, f"{phase} did not begin:\n{run.said.text[-3000:]}"
            began = time.monotonic()
            run.prints(lambda said: said.ended(phase), after)
            lasted = time.monotonic() - began
        finally:
            run.process.kill()
        # It may have come to its end while it was being killed: what it printed last decides.
        run.prints(lambda _: False, 60)
    return lasted if run.said.ended(phase) else None


@dataclass
class _Run:
    """kubeinstall as it runs; its output comes through a pipe, so that a line is seen at once.

    Args:
        log: also gets what it prints.
    """

    process: subprocess.Popen[bytes]
    log: TextIO
    said: Output = Output("")

    def prints(self, enough: Callable[[Output], bool], seconds: float) -> bool:
        """Read until there is enough.

        Returns:
            whether there is; not, if the output ends or the time is over.
        """
        assert self.process.stdout
        deadline = time.monotonic() + seconds
        while not enough(self.said):
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self.process.stdout], [], [], left)[0]:
                return False
            if not (read := os.read(self.process.stdout.fileno(), 1 << 16)):
                return False
            text = read.decode(errors="replace")
            self.log.write(text)
            self.log.flush()
            self.said = Output(self.said.text + text)
        return True


@contextmanager
def _started(arguments: list[str], log: TextIO) -> Iterator[_Run]:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "kubeinstall", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        cwd=REPO,
    ) as process:
        yield _Run(process, log)
