"""The machine-id, by which systemd, DHCP servers and Kubernetes tell machines apart."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.identity import MachineId
from kubeinstall.operations.commands import Command
from kubeinstall.resources import script


@operation()
def machine_id_renewed(shared: str) -> Generator[Command]:
    """A machine-id of the host's own (machine-id(5)), in the place of one that others have too.

    Args:
        shared: the one that is to go; where the host has another one already, that stays.
    """
    if host.get_fact(MachineId) == shared:
        yield Command(script("hosts/machine_id"))
