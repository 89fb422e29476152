"""SELinux: told to warn only."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.selinux import CONFIG, Selinux
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command

_KEEP = backups.copied(CONFIG)
_WRITE = rf"sed -i -E 's/^([[:space:]]*SELINUX=)enforcing/\1permissive/' {CONFIG}"


@operation()
def permissive() -> Generator[Command]:
    """SELinux that only logs, now and after a boot; where it is off it stays off."""
    state = host.get_fact(Selinux)
    if state.configured == "enforcing":
        yield Command(f"{_KEEP}; {_WRITE}")
    if state.live == "enforcing":
        yield Command("setenforce 0")
