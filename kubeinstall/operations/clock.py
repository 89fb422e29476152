"""The clock: in step before certificates are made, and kept by one service."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.clock import InSync, OtherTimeServices
from kubeinstall.operations.commands import Command
from kubeinstall.resources import script


@operation()
def others_off() -> Generator[Command]:
    """No time service beside chrony: two would pull the clock to and fro."""
    units = host.get_fact(OtherTimeServices)
    if units:
        # The package of one may have been removed in favour of chrony, and the service runs on.
        yield Command(
            f"systemctl stop {shlex.join(units)} && for unit in {shlex.join(units)}; do "
            'if systemctl is-enabled --quiet "$unit" 2>/dev/null; then '
            'systemctl disable --quiet "$unit" || exit; fi; done'
        )


@operation()
def in_sync(timeout: int, unit: str = "chrony.service") -> Generator[Command]:
    """Wait until chrony follows a source.

    It ends at once where chrony does not answer, and says what chrony knows of its sources where
    none is followed in time.

    Args:
        timeout: seconds.
        unit: chrony's.
    """
    if not host.get_fact(InSync):
        yield Command(script("clock/wait", timeout=timeout, unit=unit))
