"""Virtual machines of the top-level Vagrantfile."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kubeinstall.inventory.model.base import HostName, Strict, Text

Cpus = Annotated[int, Field(ge=1)]
Memory = Annotated[int, Field(ge=512, description="MiB.")]


class VagrantHost(Strict):
    """What one virtual machine has that the others do not."""

    box: Text | None = None
    cpus: Cpus | None = None
    memory: Memory | None = None


class Vagrant(Strict):
    """Virtual machines for the hosts, read by the Vagrantfile; ignored by everything else."""

    box: Text = Field(description="Vagrant's name of the disk image, e.g. debian/bookworm64.")
    cpus: Cpus
    memory: Memory
    hosts: dict[HostName, VagrantHost] = Field(
        default_factory=dict, description="By host: what differs."
    )
