"""A plan: what a run would change, and which of it depends on an earlier phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import Finding


@dataclass
class Plan:
    """The planned events of a dry run, in order."""

    events: list[Event] = field(default_factory=list)
    _phases: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Keep an event if it would change something."""
        if event.status is Status.PLANNED:
            self.events.append(event)
            if event.phase not in self._phases:
                self._phases.append(event.phase)

    def after(self, event: Event) -> list[str]:
        """Earlier phases with changes: facts were read before those, so this may turn out less."""
        if event.phase not in self._phases:
            return list(self._phases)
        return self._phases[: self._phases.index(event.phase)]

    def as_dict(self, out: Mapping[str, Finding]) -> dict[str, Any]:
        """``{"version": 1, "changes": [...], "failed": {...}}``.

        Args:
            out: hosts that could not be planned for, and why.
        """
        return {
            "version": 1,
            "changes": [
                {
                    "host": event.host,
                    "phase": event.phase,
                    "operation": event.operation,
                    "operation_id": event.operation_id,
                    "after": self.after(event),
                    "diff": event.diff,
                }
                for event in self.events
            ],
            "failed": {host: str(finding) for host, finding in out.items()},
        }
