"""The terminal: live progress on a tty, plain lines otherwise."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from rich.console import Console

from kubeinstall.engine import exits
from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import Finding, listed, unwritable
from kubeinstall.report import door
from kubeinstall.report.groups import MANY, Group, Groups, OwnWords, together
from kubeinstall.report.live import Progress
from kubeinstall.report.plan import Plan
from kubeinstall.report.tally import Tally

_STYLES = {
    Status.OK: "dim",
    Status.CHANGED: "yellow",
    Status.PLANNED: "cyan",
    Status.FAILED: "bold red",
}
_COLLECT = 30.0
"""Seconds for which lines of many hosts are collected at most."""
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

    What is the same on many hosts is one line, at the end of a phase or after some time. With
    ``verbose``, and of the first failure of a kind, each host has its own at once.

    Args:
        out: where to print.
        verbose: print operations that changed nothing, and diffs.
        plan: where planned changes are kept; with one, file diffs are printed.
        hosts: the hosts of the run, and each one's own words.
    """

    def __init__(
        self,
        out: Console,
        *,
        verbose: bool = False,
        plan: Plan | None = None,
        hosts: OwnWords | None = None,
    ) -> None:
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
        self._hosts = hosts or {}
        self._many = len(self._hosts) > MANY
        self._groups = Groups(self._hosts) if self._many and not verbose else None
        self._collecting_until = 0.0

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
            self._tell_groups()
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
            self._tell_groups()
            self._print(f"  {seconds:.1f} s, {count} change{'' if count == 1 else 's'}", "dim")

    def event(self, event: Event) -> None:
        with self._lock:
            self.tally.add(event)
            if event.status is Status.OK and not self._verbose:
                return
            if self._plan:
                self._plan.add(event)
            if self._groups is None:
                self._event(event, event.host, f"{event.seconds:.1f} s")
                return
            self._groups.event(event, "\n".join(self._below(event)))
            if time.monotonic() > self._collecting_until:
                self._tell_groups()

    def _event(self, event: Event, hosts: str, took: str) -> None:
        """Print an event of one host, or of several."""
        word = {Status.PLANNED: "would change"}.get(event.status, event.status.value)
        about = [] if event.status is Status.PLANNED else [took]
        if self._plan and (after := self._plan.after(event)):
            about = [f"after {', '.join(after)}"]
        more = f" ({', '.join(about)})" if about else ""
        self._print(f"  {hosts}: {word}: {event.operation}{more}", _STYLES[event.status])
        self._indented(self._below(event), "red" if event.status is Status.FAILED else "dim")

    def _below(self, event: Event) -> list[str]:
        """The lines below an event's own: the end of a failure's output, or a file's diff."""
        if event.status is Status.FAILED:
            return exits.said(event.output).split("\n")[-_TAIL:]
        if event.diff and (self._verbose or self._plan):
            return exits.said(event.diff).split("\n")
        return []

    def _tell_groups(self) -> None:
        """Print what has been collected of many hosts."""
        self._collecting_until = time.monotonic() + _COLLECT
        for group in self._groups.take() if self._groups else ():
            self._group(group)

    def _group(self, group: Group) -> None:
        hosts = self._named(group.hosts)
        if isinstance(group.item, Event):
            self._event(group.item, hosts, group.took)
        elif isinstance(group.item, Finding):
            self._finding(replace(group.item, hosts=tuple(group.hosts)))
        else:
            self._print(f"  {hosts}: {group.item}")

    def _named(self, names: Sequence[str]) -> str:
        """Names of hosts; all of the run have none."""
        return f"all {len(names)} hosts" if len(names) == len(self._hosts) else listed(names)

    def line(self, host: str, line: str) -> None:
        if not self._verbose and (_VERIFIED.match(line) or self._is_drowned(host)):
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
            if host and self._groups:
                self._groups.note(text, host)
            else:
                self._print(f"  {host}: {text}" if host else f"  {text}")

    def finding(self, finding: Finding) -> None:
        with self._lock:
            if self._groups:
                self._groups.finding(finding)
            else:
                self._finding(finding)

    def _finding(self, finding: Finding) -> None:
        style = "bold red" if finding.severity == "error" else "yellow"
        head, *rest = exits.said(str(finding)).split("\n")
        self._print(f"  {finding.severity}: {head}", style)
        self._indented([line.strip() for line in rest])

    def _is_drowned(self, host: str) -> bool:
        """Whether a host's own output is left out: of many hosts, only the first one's is printed.

        The first one is a control plane.
        """
        return self._many and host != next(iter(self._hosts))

    def ends(
        self, hosts: Iterable[str], out: Mapping[str, Finding], errors: Iterable[Finding]
    ) -> None:
        with self._lock:
            self.close()
            self._tell_groups()
            names = list(hosts)
            self._print("")
            found = dict.fromkeys([*out.values(), *errors])
            for finding in together(found, self._hosts) if self._many else found:
                self._finding(finding)
            lines = self.tally.group_lines if self._many else self.tally.host_lines
            for line, failed in lines(names, out):
                self._print(line, "red" if failed else "")
            if self._many and out:
                # As --limit takes them.
                self._print(f"failed: {','.join(name for name in names if name in out)}", "red")
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
