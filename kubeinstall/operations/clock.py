"""The clock: in step before certificates are made."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.clock import InSync
from kubeinstall.operations.commands import Command


@operation()
def in_sync(timeout: int) -> Generator[Command]:
    """Wait until chrony follows a source.

    Args:
        timeout: seconds; after that it fails and says what chrony knows of its sources.
    """
    if not host.get_fact(InSync):
        yield Command(
            # Tries, correction and skew (0: any), seconds between tries: chronyc(1), waitsync.
            f"chronyc -n waitsync {timeout} 0 0 1 >/dev/null && exit 0\n"
            f"echo 'the clock is not in sync after {timeout} s; what chrony knows:' >&2\n"
            "{ chronyc -n sources; chronyc -n tracking | grep -E 'Stratum|Leap'; } >&2\n"
            "journalctl --no-pager -o cat -n 5 -u chrony >&2\n"
            "exit 1"
        )
