"""Events as JSON lines in a file."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from kubeinstall.engine import exits
from kubeinstall.engine.types import Event
from kubeinstall.findings import Finding, Kind, KubeinstallError

VERSION = 1


class EventLog:
    """Writes one JSON record a line, each at once: a killed run has its events up to then."""

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.fchmod(descriptor, 0o600)
        except OSError as error:
            raise KubeinstallError(
                Finding(Kind.LOCAL, f"the events file {path} cannot be written", why=str(error))
            ) from error
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._guard = threading.Lock()

    def __call__(self, event: Event) -> None:
        record = {"version": VERSION, **exits.record(event.as_dict())}
        with self._guard:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
