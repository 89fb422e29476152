"""Snapshots of labs on this machine: what one was made from, and which there are.

They are the user's data, so they are not in the cache, from which everything can be made again. A
snapshot is a folder, under its name:

    snapshot.json          what it was made from; in place last, with the folder's name
    lab/                   the lab's keys, password and known hosts
    hosts/HOST/layers/     the host's layers over its cached root
    hosts/HOST/linked/     what of its data is hard links (see copying)
    hosts/HOST/copied/     the rest of its data
    hosts/HOST/tree/       what a mirror serves
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kubeinstall.findings import Finding
from kubeinstall.inventory.formats import DEBIAN_SUITE, DNS_LABEL
from kubeinstall.inventory.model import CgroupMode
from kubeinstall.inventory.suggestions import did_you_mean
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.life import Signs
from kubeinstall.lab.plan import STATE, LabPlan, Purpose

FOLDER = STATE.with_name("lab-snapshots")
"""Only root may read it: a snapshot holds the keys of a lab and the secrets of its cluster."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?")
_NOTE = "snapshot.json"
_MOST = 16 * 1024 * 1024

_Name = Annotated[str, Field(pattern=DNS_LABEL)]


class _Part(BaseModel):
    """A part of a snapshot's note, which is a file like any other: nothing in it is trusted."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Base(_Part):
    """The cached root below a host's layers.

    Args:
        root: its name in the cache.
        packages: checksum of the list of its packages: a root that is made again may have others.
    """

    root: Annotated[str, Field(pattern=r"^[a-z]+-[0-9a-f]{12}$")]
    packages: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SavedHost(_Part):
    """A host of the lab that was saved."""

    name: _Name
    address: str
    purpose: Purpose
    base: Base


class Snapshot(_Part):
    """A lab that was saved.

    Args:
        made: when.
        lab: its name, which is its cluster's.
        kubernetes, subnet, cgroup, users, nat, suite: as in ``LabPlan``.
        cluster: what ran in its cluster; None: it had none, or none that answered.
        linked, copied: bytes that it occupies on the disk, as in ``copying.Size``.
    """

    form: Literal[1] = 1
    name: str
    made: AwareDatetime
    lab: str
    kubernetes: str
    subnet: IPv4Network
    cgroup: CgroupMode
    users: dict[str, str]
    nat: bool
    suite: Annotated[str, Field(pattern=DEBIAN_SUITE)] | None
    hosts: tuple[SavedHost, ...]
    cluster: Signs | None
    linked: int
    copied: int

    @property
    def folder(self) -> Path:
        """Where it is."""
        return FOLDER / self.name

    def as_dict(self) -> dict[str, Any]:
        """What users and programs are shown of it."""
        return self.model_dump(mode="json", exclude={"form": True, "hosts": {"__all__": {"base"}}})


def describe(
    lab: LabPlan, name: str, made: datetime, bases: dict[str, Base], cluster: Signs | None
) -> Snapshot:
    """What is noted of a lab that is saved, before anything is copied.

    Args:
        bases: by the names of hosts.
    """
    hosts = [
        SavedHost(name=host.name, address=host.address, purpose=host.purpose, base=bases[host.name])
        for host in lab.hosts
    ]
    return Snapshot(
        name=name,
        made=made,
        lab=lab.name,
        kubernetes=lab.kubernetes,
        subnet=lab.subnet,
        cgroup=lab.cgroup,
        users=lab.users,
        nat=lab.nat,
        suite=lab.suite,
        hosts=tuple(hosts),
        cluster=cluster,
        linked=0,
        copied=0,
    )


def differences(snapshot: Snapshot, lab: LabPlan) -> list[str]:
    """What of a lab is not as in a snapshot: hosts, addresses, all that disks were made from."""

    def hosts(of: Snapshot | LabPlan) -> str:
        return ", ".join(sorted(f"{host.name} {host.address}" for host in of.hosts))

    values = {
        "cluster.name": (snapshot.lab, lab.name),
        "cluster.kubernetes": (snapshot.kubernetes, lab.kubernetes),
        "lab.subnet": (snapshot.subnet, lab.subnet),
        "hosts": (hosts(snapshot), hosts(lab)),
        "lab.cgroup": (snapshot.cgroup.value, lab.cgroup.value),
        "lab.users": (snapshot.users, lab.users),
        "lab.nat": (snapshot.nat, lab.nat),
        "lab.suite": (snapshot.suite, lab.suite),
    }
    return [
        f"{key}: {saved} in the snapshot, {wanted} in the inventory"
        for key, (saved, wanted) in values.items()
        if saved != wanted
    ]


def check_name(name: str) -> None:
    """Refuse a name that is no plain file name.

    Raises:
        LabError: it is not.
    """
    if not _NAME.fullmatch(name):
        raise LabError(
            f"{name!r} is not a valid name for a snapshot",
            next="use at most 63 lowercase letters and digits, with . _ - between them",
        )


def names() -> list[str]:
    """The names of all snapshots, those that cannot be read among them."""
    if not FOLDER.is_dir():
        return []
    return sorted(path.name for path in FOLDER.iterdir() if _NAME.fullmatch(path.name))


def load(name: str) -> Snapshot:
    """The snapshot of that name.

    Raises:
        LabError: there is none, or its note cannot be read.
    """
    if name not in (known := names()):
        create = "create one from a running lab: kubeinstall lab save NAME -i FILE"
        raise LabError(
            f"there is no snapshot {name!r}",
            why=f"this machine has {', '.join(known)}"
            if known
            else "this machine has no snapshots",
            next=did_you_mean(name, known) or create,
        )
    try:
        with (FOLDER / name / _NOTE).open("rb") as file:
            found = Snapshot.model_validate_json(file.read(_MOST))
    except OSError as error:
        raise _unreadable(name, f"{_NOTE}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise _unreadable(name, f"{_NOTE}: {at}: {first['msg']}") from error
    if found.name != name:
        raise _unreadable(name, f"{_NOTE} belongs to the snapshot {found.name}")
    return found


def everything() -> tuple[list[Snapshot], list[Finding]]:
    """All snapshots, and what is wrong with those that cannot be read."""
    found: list[Snapshot] = []
    unreadable: list[Finding] = []
    for name in names():
        try:
            found.append(load(name))
        except LabError as error:
            unreadable += error.findings
    return found, unreadable


def remove(name: str) -> None:
    """Remove the snapshot of that name; labs that were restored from it have all they need.

    Raises:
        LabError: there is none.
    """
    if name not in names():
        load(name)
    # Under another name first: what is left if this is interrupted is no snapshot.
    shutil.rmtree(_beside(name), ignore_errors=True)
    (FOLDER / name).rename(_beside(name))
    shutil.rmtree(_beside(name))


@contextmanager
def being_made(name: str) -> Iterator[Path]:
    """An empty folder in which a snapshot is made; it is none before ``finish``.

    What was made is removed if it was not finished, also by an attempt before that was killed.
    """
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = FOLDER / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def finish(part: Path, snapshot: Snapshot) -> None:
    """Make a snapshot of a folder from ``being_made``, in the place of one of its name."""
    (part / _NOTE).write_text(snapshot.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if snapshot.folder.exists():
        remove(snapshot.name)
    part.rename(snapshot.folder)


def packages(root: Path) -> str:
    """The checksum of the list of a root's packages."""
    return hashlib.sha256((root / "var/lib/dpkg/status").read_bytes()).hexdigest()


def _beside(name: str) -> Path:
    return FOLDER / f".{name}.old"


def _unreadable(name: str, why: str) -> LabError:
    return LabError(
        f"the snapshot {name} cannot be read",
        why=why,
        next=f"remove it with `kubeinstall lab rm {name}`, and save the lab again",
    )
