"""Programs run on this machine: short ones captured, long ones into a log with a heartbeat."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.model import Progress

_TAIL = 12


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Run a short program and return its output.

    Raises:
        MirrorError: it does not exist, or it failed.
    """
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=_environment(env),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise MirrorError(f"{command[0]} cannot be run", why=str(error)) from error
    if done.returncode != 0:
        raise MirrorError(
            f"{shlex.join(command)} exited with {done.returncode}",
            why=tail(done.stderr or done.stdout),
        )
    return done.stdout


@dataclass(frozen=True)
class Long:
    """A program that takes minutes.

    Args:
        argv: the command.
        name: what it does, for the person who waits.
        expected: how many seconds it takes, roughly.
        every: seconds between two signs of life.
    """

    argv: Sequence[str | Path]
    name: str
    expected: float
    every: float = 30

    def run(self, log: Path, progress: Progress, *, cwd: Path, env: Mapping[str, str]) -> None:
        """Run it with its output in a log.

        Raises:
            MirrorError: it failed; carries the last lines and the log's name.
        """
        started = time.monotonic()
        with log.open("ab") as out:
            process = subprocess.Popen(
                [str(word) for word in self.argv],
                cwd=cwd,
                env=_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = self._watch(process, started, log, progress)
            except BaseException:
                _end_group(process)
                raise
        if code != 0:
            raise MirrorError(
                f"{self.name} failed after {elapsed(time.monotonic() - started)}",
                why=tail(log.read_text(errors="replace")),
                next=f"read {log}",
            )

    def _watch(
        self, process: subprocess.Popen[bytes], started: float, log: Path, progress: Progress
    ) -> int:
        while True:
            try:
                return process.wait(timeout=self.every)
            except subprocess.TimeoutExpired:
                so_far = elapsed(time.monotonic() - started)
                usual = elapsed(self.expected)
                progress(f"  {self.name}: {so_far} of about {usual}, log {log}")


def elapsed(seconds: float) -> str:
    """``95`` as ``1 min 35 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def tail(text: str, lines: int = _TAIL) -> str:
    """The last lines of a program's output."""
    return "\n".join(text.strip().splitlines()[-lines:])


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", **(extra or {})}


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a child of ours with everything it started: it leads a session of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
