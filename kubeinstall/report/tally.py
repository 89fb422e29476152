"""Counting a run's events: by host and by phase."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubeinstall.engine.types import Event, Status


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

    def host_lines(self, hosts: Iterable[str], out: Iterable[str]) -> list[str]:
        """One line a host: ok, changed, failed, seconds.

        Args:
            hosts: names in the order to print.
            out: names of hosts that failed, by an operation or otherwise.
        """
        names, failed = list(hosts), set(out)
        width = max((len(name) for name in names), default=0)
        lines = []
        for name in names:
            tally = self.hosts.get(name, HostTally())
            count = max(tally.failed, int(name in failed))
            line = f"{name:{width}}  ok={tally.ok:<3} changed={tally.changed:<3} failed={count:<2}"
            if tally.planned:
                line += f" planned={tally.planned:<3}"
            lines.append(f"{line} seconds={tally.seconds:.1f}")
        return lines

    def phase_line(self) -> str:
        """Seconds by phase, e.g. ``connect 0.4, hosts 12.0``."""
        return ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.phases)
