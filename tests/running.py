"""Run kubeinstall as a user does: the program, its exit code, its words."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
INVENTORIES = REPO / "inventories"


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed (standard output and error together)."""

    code: int
    text: str

    def ok(self) -> Ran:
        """This, if it ended well.

        Raises:
            AssertionError: it did not; the message carries what it printed.
        """
        assert self.code == 0, f"exit {self.code}:\n{self.text[-6000:]}"
        assert "Traceback" not in self.text
        return self


def kubeinstall(
    *arguments: str | Path,
    timeout: float = 900,
    program: tuple[str, ...] = (sys.executable, "-m", "kubeinstall"),
    cwd: Path = REPO,
    env: dict[str, str] | None = None,
) -> Ran:
    """Run kubeinstall to its end, without a terminal."""
    done = subprocess.run(
        [*program, *(str(argument) for argument in arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env=env,
    )
    return Ran(done.returncode, done.stdout)


def events(path: Path) -> list[dict[str, Any]]:
    """The records of an ``--events`` file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def on_host(inventory: Path, host: str, script: str, timeout: float = 120) -> str:
    """Standard output of a shell script on a lab host.

    Raises:
        AssertionError: it ended with a code other than 0.
    """
    return (
        kubeinstall("lab", "exec", "-i", inventory, host, "--", "sh", "-c", script, timeout=timeout)
        .ok()
        .text
    )
