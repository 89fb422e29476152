"""Events as JSON lines in a file."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
from pathlib import Path

from kubeinstall.engine import exits
from kubeinstall.engine.types import Event
from kubeinstall.findings import Finding, KubeinstallError, unwritable

VERSION = 1


class EventLog:
    """Writes one JSON record a line, each at once: a killed run has its events up to then.

    A run goes on when its events can no longer be written: hosts are not left half-way for a file
    on this machine. ``failure`` says so then.
    """

    def __init__(self, path: Path) -> None:
        self.failure: Finding | None = None
        self._what = f"the events file {path}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            # A device, such as /dev/stdout's, stays as it is.
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)
        except OSError as error:
            raise KubeinstallError(unwritable(self._what, error)) from error
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._guard = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write an event, unless one before it could not be written."""
        record = {"version": VERSION, **exits.record(event.as_dict())}
        with self._guard:
            if self.failure is None:
                try:
                    self._file.write(json.dumps(record) + "\n")
                    self._file.flush()
                except OSError as error:
                    self.failure = unwritable(self._what, error)

    def close(self) -> None:
        """Close the file."""
        # What could not be written before is tried once more.
        with contextlib.suppress(OSError):
            self._file.close()
