"""What a run tells its reporter, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from kubeinstall.engine.types import Event
from kubeinstall.findings import Finding


class Reporter(Protocol):
    """Receives the progress of a run; its methods are called from several threads."""

    failure: Finding | None
    """Why nothing can be reported anymore."""

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

    def watch(self, busy: Callable[[], dict[str, str]]) -> None:
        """Where to ask what hosts are doing now: host to operation."""

    def close(self) -> None:
        """Stop reporting; a second call does nothing."""


class Silent:
    """A reporter that prints nothing, for commands whose result is all that they print.

    Args:
        keep: called with each event.
    """

    failure: Finding | None = None

    def __init__(self, keep: Callable[[Event], None] = lambda _: None) -> None:
        self._keep = keep

    def phase_begins(self, name: str, title: str) -> None: ...

    def phase_ends(self, name: str, seconds: float) -> None: ...

    def event(self, event: Event) -> None:
        self._keep(event)

    def line(self, host: str, line: str) -> None: ...

    def waiting(self, text: str) -> None: ...

    def note(self, text: str, host: str = "") -> None: ...

    def finding(self, finding: Finding) -> None: ...

    def ends(
        self, hosts: Iterable[str], out: Mapping[str, Finding], errors: Iterable[Finding]
    ) -> None: ...

    def watch(self, busy: Callable[[], dict[str, str]]) -> None: ...

    def close(self) -> None: ...
