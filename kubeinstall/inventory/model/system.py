"""System settings of the hosts: time, firewall, SELinux, machine-ids."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from kubeinstall.inventory.formats import HOST_NAME, real_address
from kubeinstall.inventory.model.base import Strict


class Time(Strict):
    """Time synchronization, which certificates and etcd depend on."""

    manage: bool = Field(True, description="false: time synchronization is managed elsewhere.")
    servers: list[
        Annotated[str, StringConstraints(pattern=HOST_NAME), AfterValidator(real_address)]
    ] = Field(default_factory=list, description="NTP servers; default: the distribution's.")
    sync_timeout: Annotated[int, Field(ge=0)] = Field(
        60, description="Seconds to wait for synchronization; 0: do not wait."
    )


class Firewall(StrEnum):
    OPEN = "open"
    OFF = "off"
    KEEP = "keep"


class Selinux(StrEnum):
    KEEP = "keep"
    PERMISSIVE = "permissive"


class MachineIds(StrEnum):
    KEEP = "keep"
    RENEW_DUPLICATES = "renew-duplicates"
