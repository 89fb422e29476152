"""Hosts on this machine."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

from pydantic import Field

from kubeinstall.inventory.formats import DEBIAN_SUITE
from kubeinstall.inventory.model.base import Ipv4, Ipv4Network, Strict

LAB_FOLDER = Path("/var/lib/kubeinstall/lab")
"""Contains a folder for each lab, named after its cluster."""


class CgroupMode(StrEnum):
    HOST = "host"
    V1 = "v1"
    V2 = "v2"
    HYBRID = "hybrid"


class Lab(Strict):
    """Hosts on this machine (``kubeinstall lab``); ignored by everything else."""

    subnet: Ipv4Network = IPv4Network("10.99.0.0/24")
    cgroup: CgroupMode = CgroupMode.HOST
    suite: str | None = Field(
        None,
        pattern=DEBIAN_SUITE,
        description="Debian release of the hosts, e.g. trixie; default: that of this machine.",
    )
    mirror: Ipv4 | None = Field(
        None, description="Address for a host with a package mirror and an image registry."
    )
    users: dict[str, Literal["sudo", "sudo-password"]] = Field(
        default_factory=dict,
        description="Logins in addition to root; they accept the lab's key and no password. "
        "sudo-password: sudo asks for the password in the lab's folder.",
    )
    nat: bool = Field(
        False,
        description="Give each host a second network interface as Vagrant does, with the same "
        "address on all and the default route. It leads nowhere, so packages come from "
        "lab.mirror.",
    )
    bastion: Ipv4 | None = Field(None, description="Address for an ssh bastion.")
