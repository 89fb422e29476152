"""What a run tells its reporter, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from kubeinstall.engine.types import Event
from kubeinstall.findings import Finding


class Reporter(Protocol):
    """Told of a run as it goes; its methods are called from several threads."""

    def phase_begins(self, name: str, title: str) -> None: ...

    def phase_ends(self, name: str, seconds: float) -> None: ...

    def event(self, event: Event) -> None:
        """One operation on one host has ended."""

    def line(self, host: str, line: str) -> None:
        """One line of a command's own output."""

    def waiting(self, text: str) -> None:
        """What is waited for now; may be said often."""

    def note(self, text: str, host: str = "") -> None:
        """One line for people."""

    def finding(self, finding: Finding) -> None: ...

    def ends(
        self, hosts: Iterable[str], out: Mapping[str, Finding], errors: Iterable[Finding]
    ) -> None:
        """The run is over: one line for each host, why any is out, and what else failed."""
