"""Counting a run's events: by host and by phase."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import listed


@dataclass
class HostTally:
    """How many operations of one host ended in which way, and the seconds they took."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    planned: int = 0
    seconds: float = 0.0

    def add(self, event: Event) -> None:
        setattr(self, event.status.value, getattr(self, event.status.value) + 1)
        self.seconds += event.seconds


@dataclass
class Tally:
    """A run's counts."""

    hosts: dict[str, HostTally] = field(default_factory=dict)
    phases: list[tuple[str, float]] = field(default_factory=list)
    in_phase: int = 0

    def begin(self) -> None:
        """A phase begins: count its changes from 0."""
        self.in_phase = 0

    def add(self, event: Event) -> None:
        self.hosts.setdefault(event.host, HostTally()).add(event)
        if event.status in (Status.CHANGED, Status.PLANNED):
            self.in_phase += 1

    @property
    def changed(self) -> int:
        return sum(host.changed for host in self.hosts.values())

    @property
    def planned(self) -> int:
        return sum(host.planned for host in self.hosts.values())

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.phases)

    def host_lines(self, hosts: Iterable[str], out: Iterable[str]) -> list[tuple[str, bool]]:
        """One line a host: ok, changed, failed, seconds; and whether it failed.

        Args:
            hosts: names in the order to print.
            out: names of hosts that failed, by an operation or otherwise.
        """
        names, failed = list(hosts), set(out)
        width = max((len(name) for name in names), default=0)
        lines = []
        for name in names:
            counts, seconds = self._counts(name, failed), self._of(name).seconds
            lines.append((f"{name:{width}}  {counts} seconds={seconds:.1f}", name in failed))
        return lines

    def group_lines(self, hosts: Iterable[str], out: Iterable[str]) -> list[tuple[str, bool]]:
        """The same for many hosts: one line for all that have the same counts.

        Args:
            hosts, out: as of ``host_lines``.
        """
        failed = set(out)
        alike: dict[tuple[str, bool], list[str]] = {}
        for name in hosts:
            alike.setdefault((self._counts(name, failed), name in failed), []).append(name)
        lines = []
        for (counts, is_out), names in alike.items():
            seconds = [self._of(name).seconds for name in names]
            lines.append((f"{listed(names)}: {counts} seconds={spread(seconds, '-')}", is_out))
        return lines

    def _of(self, name: str) -> HostTally:
        return self.hosts.get(name, HostTally())

    def _counts(self, name: str, failed: Collection[str]) -> str:
        tally = self._of(name)
        count = max(tally.failed, int(name in failed))
        line = f"ok={tally.ok:<3} changed={tally.changed:<3} failed={count:<2}"
        return f"{line} planned={tally.planned:<3}" if tally.planned else line

    def phase_line(self) -> str:
        """Seconds by phase, e.g. ``connect 0.4, hosts 12.0``."""
        return ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.phases)


def spread(seconds: Collection[float], between: str) -> str:
    """The least and the most of some times, e.g. ``0.3-1.2``; one number if they are the same."""
    least, most = f"{min(seconds):.1f}", f"{max(seconds):.1f}"
    return most if least == most else f"{least}{between}{most}"
