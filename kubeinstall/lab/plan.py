"""What a lab consists of, decided from the inventory alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path

from kubeinstall.findings import Place
from kubeinstall.inventory.model import LAB_FOLDER, CgroupMode, Cluster
from kubeinstall.lab.errors import LabError

STATE = LAB_FOLDER
MIRROR = "mirror"
BASTION = "bastion"

Progress = Callable[[str], None]
"""Takes one short line for the person who waits."""


class Purpose(StrEnum):
    """What a lab host is for."""

    NODE = "node"
    MIRROR = "mirror"
    BASTION = "bastion"


@dataclass(frozen=True)
class LabHost:
    """One host of the lab.

    Args:
        folder: where its disk, log and process id are.
    """

    name: str
    address: str
    purpose: Purpose
    folder: Path

    @property
    def root(self) -> Path:
        """Its root file system, while mounted."""
        return self.folder / "root"

    @property
    def console(self) -> Path:
        """What it prints while it boots."""
        return self.folder / "console.log"

    @property
    def machine(self) -> str:
        """Its name among all machines here, short enough for a network interface's."""
        return f"ki{_digest(str(self.folder))}"

    @property
    def cgroup(self) -> str:
        """The name of its cgroup in each hierarchy."""
        return f"kubeinstall.{self.folder.parent.parent.name}.{self.name}"

    @property
    def machine_id(self) -> str:
        """The same whenever the lab is made again, and another on every host."""
        return hashlib.sha256(f"machine-id {self.folder}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class LabPlan:
    """A lab: its hosts, its network, where it is kept.

    Args:
        users: logins beside root; ``sudo`` asks for no password, ``sudo-password`` does.
        kubernetes: the version that its mirror has to have.
        nat: nodes have a second card with the default route.
        suite: Debian release of its nodes; None: this machine's.
    """

    name: str
    subnet: IPv4Network
    cgroup: CgroupMode
    users: dict[str, str]
    hosts: tuple[LabHost, ...]
    folder: Path
    kubernetes: str
    nat: bool = False
    suite: str | None = None

    @property
    def gateway(self) -> str:
        """This machine's address on the lab's network."""
        return str(self.subnet[1])

    @property
    def bridge(self) -> str:
        """The network interface's name: at most 15 characters, another one for each lab."""
        return f"kil{_digest(self.name)}"

    @property
    def mark(self) -> str:
        """The comment that our firewall rules carry, so that just they are taken back."""
        return f"kubeinstall-lab:{self.name}"

    @property
    def key(self) -> Path:
        """The private ssh key that every login of every host takes."""
        return self.folder / "id_ed25519"

    @property
    def password(self) -> Path:
        """The file with the password that sudo asks its logins for, made when the lab is."""
        return self.folder / "password"

    @property
    def known_hosts(self) -> Path:
        """The hosts' own keys, for ssh."""
        return self.folder / "known_hosts"

    @property
    def mirror_key(self) -> Path:
        """The mirror's package signing key, for ``cluster.packages.key``."""
        return self.folder / "mirror.asc"

    @property
    def mirror(self) -> LabHost | None:
        """The host that serves packages and images, if there is one."""
        return next((host for host in self.hosts if host.purpose is Purpose.MIRROR), None)

    def host(self, name: str) -> LabHost:
        """The host of that name.

        Raises:
            LabError: there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        names = ", ".join(host.name for host in self.hosts)
        raise LabError(f"the lab {self.name} has no host {name!r}", next=f"use one of {names}")


def plan(cluster: Cluster) -> LabPlan:
    """The lab that an inventory asks for.

    Raises:
        LabError: it has no ``lab`` section, or two hosts of one name.
    """
    lab = cluster.lab
    place = Place(str(cluster.inventory_file or "the inventory"))
    if lab is None:
        raise LabError(
            "this inventory has no lab section, so kubeinstall does not create its hosts",
            place=place,
            next="add `lab: {subnet: 10.99.0.0/24}`, or see inventories/lab.yaml",
        )
    folder = STATE / cluster.spec.name
    wanted = [(host.name, host.address, Purpose.NODE) for host in cluster.hosts]
    if lab.mirror:
        wanted.append((MIRROR, str(lab.mirror), Purpose.MIRROR))
    if lab.bastion:
        wanted.append((BASTION, str(lab.bastion), Purpose.BASTION))
    _refuse_same_names([name for name, _, _ in wanted], place)
    return LabPlan(
        name=cluster.spec.name,
        subnet=lab.subnet,
        cgroup=lab.cgroup,
        users=dict(lab.users),
        hosts=tuple(LabHost(name, at, why, folder / "hosts" / name) for name, at, why in wanted),
        folder=folder,
        kubernetes=str(cluster.version),
        nat=lab.nat,
        suite=lab.suite,
    )


def cache() -> Path:
    """Where what is costly to make is kept: ``$KUBEINSTALL_CACHE`` or /var/cache/kubeinstall."""
    return Path(os.environ.get("KUBEINSTALL_CACHE") or "/var/cache/kubeinstall").absolute()


def _refuse_same_names(names: list[str], place: Place) -> None:
    for name in (MIRROR, BASTION):
        if names.count(name) > 1:
            raise LabError(
                f"two hosts of the lab are named {name}",
                place=place,
                why=f"the lab adds its own host {name} because lab.{name} is set",
                next="rename the inventory's host",
            )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
