"""What one run of a program takes, by the kernel's accounting."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.results import Row

_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Cost:
    """What one run of a program took.

    Args:
        seconds: until it ended.
        cpu: seconds of processor, its own and its children's.
        megabytes: peak memory of its largest process.
        changed: how many operations changed something, as it says.
    """

    seconds: float
    cpu: float
    megabytes: float
    changed: int

    def row(self, tool: str, run: str, hosts: int) -> Row:
        """This, as a row of results."""
        return Row(
            tool=tool,
            run=run,
            hosts=hosts,
            seconds=round(self.seconds, 3),
            cpu=round(self.cpu, 3),
            megabytes=round(self.megabytes),
        )


def run(
    words: Sequence[str], environment: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)
) -> Cost:
    """Run a program from the project's folder.

    Args:
        environment: what to add to this one's.
        codes: the exit codes with which it has succeeded.

    Raises:
        RuntimeError: it failed; with the end of its output.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=_ROOT,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        said = out.read().decode(errors="replace")
    if process.returncode not in codes:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}:\n{said[-3000:]}")
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, _changed(said))


def _changed(said: str) -> int:
    """How many operations changed something: Ansible's and our words, or pyinfra's table."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    if "Grand total" in plain:
        # name, hosts, success, error, no change
        total = re.search(r"Grand total\s+\S+\s+(\S+)", plain)
        return int(total.group(1)) if total and total.group(1).isdigit() else 0
    return sum(int(number) for number in re.findall(r"changed=(\d+)", plain))
