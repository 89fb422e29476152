"""The terminal: live progress on a tty, plain lines otherwise."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from rich.console import Console

from kubeinstall.engine import exits
from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import Finding, unwritable
from kubeinstall.report import door
from kubeinstall.report.live import Progress
from kubeinstall.report.plan import Plan
from kubeinstall.report.tally import Tally

_STYLES = {
    Status.OK: "dim",
    Status.CHANGED: "yellow",
    Status.PLANNED: "cyan",
    Status.FAILED: "bold red",
}
_QUIET = 5.0
"""Seconds between two lines on what is waited for."""
# What kubeadm's SystemVerification found, a line each, some forty on every host where it fails and
# is ignored; the lines that say what is wrong with it stay (k8s.io/system-validators, types.go).
_VERIFIED = re.compile(
    r"(\x1b\[[0-9;]*m)?(KERNEL_VERSION|OS|(CGROUPS|CONFIG|DOCKER)_\w+)(\x1b\[0m)?: "
)
_TAIL = 15
"""Lines of a failed command's output to print; the events file has more."""


class Terminal:
    """A reporter for people.

    Args:
        out: where to print.
        verbose: print operations that changed nothing, and diffs.
        plan: where planned changes are kept; with one, file diffs are printed.
    """

    def __init__(self, out: Console, *, verbose: bool = False, plan: Plan | None = None) -> None:
        self.tally = Tally()
        self.failure: Finding | None = None
        """Why nothing is printed any more."""
        self._out = out
        self._verbose = verbose
        self._plan = plan
        self._lock = threading.RLock()
        self._progress = Progress(out) if out.is_terminal else None
        self._waiting = ""
        self._quiet_until = 0.0

    def watch(self, busy: Callable[[], dict[str, str]]) -> None:
        """Show what hosts are doing while a phase runs.

        Args:
            busy: host to what it is doing now.
        """
        if self._progress:
            self._progress.busy = busy

    def close(self) -> None:
        """Take the live region away; a second time does nothing."""
        if self._progress:
            self._progress.stop()

    def phase_begins(self, name: str, title: str) -> None:
        with self._lock:
            self.tally.begin()
            self._waiting, self._quiet_until = "", time.monotonic() + _QUIET
            self._print(f"phase {name}: {title}", "bold")
            if self._progress:
                self._progress.start(title)

    def phase_ends(self, name: str, seconds: float) -> None:
        with self._lock:
            self.tally.phases.append((name, seconds))
            count = self.tally.in_phase
            if self._progress:
                self._progress.stop()
            self._print(f"  {seconds:.1f} s, {count} change{'' if count == 1 else 's'}", "dim")

    def event(self, event: Event) -> None:
        with self._lock:
            self.tally.add(event)
            if event.status is Status.OK and not self._verbose:
                return
            word = {Status.PLANNED: "would change"}.get(event.status, event.status.value)
            took = f" ({event.seconds:.1f} s)" if event.status is not Status.PLANNED else ""
            if self._plan:
                self._plan.add(event)
                took = f" (after {', '.join(after)})" if (after := self._plan.after(event)) else ""
            self._print(f"  {event.host}: {word}: {event.operation}{took}", _STYLES[event.status])
            if event.status is Status.FAILED:
                self._indented(exits.said(event.output).split("\n")[-_TAIL:], "red")
            elif event.diff and (self._verbose or self._plan):
                self._indented(exits.said(event.diff).split("\n"), "dim")

    def line(self, host: str, line: str) -> None:
        if not self._verbose and _VERIFIED.match(line):
            return
        with self._lock:
            # Of a line that was written over, only its end is to be seen.
            self._print(f"  {host} | {line.rstrip().rpartition(chr(13))[2]}", "dim")

    def waiting(self, text: str) -> None:
        with self._lock:
            if self._progress:
                self._progress.wait(text)
            elif text != self._waiting and time.monotonic() > self._quiet_until:
                self._waiting, self._quiet_until = text, time.monotonic() + _QUIET
                self._print(f"  waiting: {text}", "dim")

    def note(self, text: str, host: str = "") -> None:
        with self._lock:
            self._print(f"  {host}: {text}" if host else f"  {text}")

    def finding(self, finding: Finding) -> None:
        with self._lock:
            style = "bold red" if finding.severity == "error" else "yellow"
            head, *rest = exits.said(str(finding)).split("\n")
            self._print(f"  {finding.severity}: {head}", style)
            self._indented([line.strip() for line in rest])

    def ends(
        self, hosts: Iterable[str], out: Mapping[str, Finding], errors: Iterable[Finding]
    ) -> None:
        with self._lock:
            self.close()
            names = list(hosts)
            self._print("")
            for finding in dict.fromkeys([*out.values(), *errors]):
                self.finding(finding)
            for name, line in zip(names, self.tally.host_lines(names, out), strict=True):
                self._print(line, "red" if name in out else "")
            self._print(f"{self._total(len(names), len(out))} in {self.tally.seconds:.1f} s")
            self._print(f"seconds by phase: {self.tally.phase_line()}", "dim")

    def _total(self, hosts: int, failed: int) -> str:
        total = f"{hosts} host{'' if hosts == 1 else 's'}: {self.tally.changed} changed"
        if self.tally.planned:
            total += f", {self.tally.planned} would change"
        return f"{total}, {failed} failed" if failed else total

    def _print(self, text: str, style: str = "") -> None:
        # As with events: hosts are not left half-way because nobody reads what is printed.
        if self.failure is None:
            try:
                self._out.print(door.line(text, style), soft_wrap=True)
            except OSError as error:
                self.failure = unwritable("the standard output", error)

    def _indented(self, lines: Iterable[str], style: str = "") -> None:
        for line in lines:
            self._print(f"      {line}", style)
