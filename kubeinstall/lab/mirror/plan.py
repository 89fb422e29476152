"""Which images kubeadm asks for, and what each is made from. Decisions only, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.names import ImageName, minor_in
from kubeinstall.lab.mirror.programs import CONTROL_PLANE

Origin = Literal["archive", "folder", "debian", "compiled", "nowhere"]

DEMO = ImageName("demo/busybox", "1")
_OLDEST_ETCD = (3, 4)
_NEWEST_FLAGS_OF_DEBIAN = (3, 5)


@dataclass(frozen=True)
class Planned:
    """One image and where it comes from.

    Args:
        program: ``kube-apiserver``, ``etcd``, ``coredns``.
        names: all names it gets.
        origin: what it is made from.
    """

    program: str
    names: tuple[ImageName, ...]
    origin: Origin


@dataclass(frozen=True)
class Material:
    """What there is to make images from.

    Args:
        folder: the programs in the folder.
        archived: the names of images in archives.
        debian_etcd: the version of Debian's etcd.
        folder_etcd: the version of the folder's etcd, if it has one.
    """

    folder: frozenset[str]
    archived: frozenset[ImageName]
    debian_etcd: str
    folder_etcd: str = ""


def plan(asked: tuple[ImageName, ...], material: Material) -> tuple[Planned, ...]:
    """What to make, in kubeadm's order.

    Raises:
        MirrorError: no etcd that this kubeadm's flags would start.
    """
    return tuple(
        Planned(program, names, _origin(program, names, material))
        for program, names in by_program(asked).items()
    )


def by_program(asked: tuple[ImageName, ...]) -> Mapping[str, tuple[ImageName, ...]]:
    """The names grouped by program; CoreDNS is asked for under two."""
    groups: dict[str, tuple[ImageName, ...]] = {}
    for name in asked:
        groups[name.program] = (*groups.get(name.program, ()), name)
    return groups


def _origin(program: str, names: tuple[ImageName, ...], material: Material) -> Origin:
    archived = {(name.program, name.tag) for name in material.archived}
    if any((name.program, name.tag) in archived for name in names):
        return "archive"
    if program == "etcd":
        return _etcd_origin(names[0], material)
    if program in material.folder:
        return "folder"
    if program == "pause":
        return "compiled"
    if program in (*CONTROL_PLANE, "kube-proxy"):
        raise MirrorError(f"there is no program for the image {names[0]}")
    return "nowhere"


def _etcd_origin(name: ImageName, material: Material) -> Origin:
    wanted = minor_in(name.tag)
    if material.folder_etcd:
        if minor_in(material.folder_etcd) < wanted:
            raise _no_etcd(name, f"the folder's etcd is {material.folder_etcd}")
        return "folder"
    if debian_etcd_fits(name.tag, material.debian_etcd):
        return "debian"
    raise _no_etcd(name, f"Debian's etcd is {material.debian_etcd} and rejects its flags")


def debian_etcd_fits(tag: str, debian: str) -> bool:
    """Whether Debian's etcd starts with the flags kubeadm writes for the etcd it asks for.

    The flags of 3.5 were there in 3.4 as well; those of 3.6 were not.
    """
    wanted, there = minor_in(tag), minor_in(debian)
    return there >= wanted or (there >= _OLDEST_ETCD and wanted <= _NEWEST_FLAGS_OF_DEBIAN)


def _no_etcd(name: ImageName, why: str) -> MirrorError:
    major, minor = minor_in(name.tag)
    return MirrorError(
        f"there is no etcd for this version: kubeadm asks for {name}",
        why=why,
        next=f"put an etcd program of at least {major}.{minor} into the folder, "
        f"or an image archive (docker save) that contains {name}",
    )
