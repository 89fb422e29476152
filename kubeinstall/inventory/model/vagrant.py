"""Virtual machines for the Vagrantfile."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kubeinstall.inventory.model.base import HostName, Strict, Text

Cpus = Annotated[int, Field(ge=1)]
Memory = Annotated[int, Field(ge=512, description="MiB.")]


class VagrantHost(Strict):
    """Settings of one virtual machine."""

    box: Text | None = None
    cpus: Cpus | None = None
    memory: Memory | None = None


class Vagrant(Strict):
    """Virtual machines for the hosts, read by the Vagrantfile; ignored by everything else."""

    box: Text = Field(description="Vagrant box, e.g. debian/bookworm64.")
    cpus: Cpus
    memory: Memory
    hosts: dict[HostName, VagrantHost] = Field(
        default_factory=dict, description="Settings of single machines, by host."
    )
