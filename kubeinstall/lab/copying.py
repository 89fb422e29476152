"""Copying a host's folders into a snapshot and back: what can be a hard link, and what is copied.

A hard link costs nothing, but both disks then have the same file, so only what is never written in
place is linked:

* The layers of the host's root below its topmost one: overlayfs copies a file up before it changes
  it. The mirror's tree: it is mounted read-only.
* Layers of images, for the same reason: those folders of docker's and containerd's that are mounted
  as a lower layer somewhere. A runtime makes no lower layer of one that a container writes to.
* containerd's blobs: each has the name of its checksum.

All else is copied: etcd's data, databases and settings of the runtimes, what containers and pods
have written, and the layers of images that no container uses. A file system that can share blocks
between files (Btrfs, XFS) shares them then.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kubeinstall.lab.system import run

_BLOBS = PurePosixPath("containerd/io.containerd.content.v1.content/blobs")
_LAYERS = (
    PurePosixPath("docker/overlay2"),
    PurePosixPath("containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"),
)
_DATA = PurePosixPath("/var/lib")
_TOP = PurePosixPath()
_MOUNT_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Size:
    """What a copy occupies on the disk, in bytes.

    Args:
        linked: hard links; they occupy nothing as long as the original is there.
        copied: all else.
    """

    linked: int = 0
    copied: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.linked + other.linked, self.copied + other.copied)


def unchanging(mountinfo: str, links: Path) -> frozenset[PurePosixPath]:
    """The folders of a running host's data that are never written to again.

    Args:
        mountinfo: the host's mounts, in the form of /proc/PID/mountinfo (proc(5)).
        links: the host's data, in which docker's short names of layers are looked up.

    Returns:
        Paths within the data, such as ``docker/overlay2/ID``.
    """
    found = {_BLOBS} if (links / _BLOBS).is_dir() else set()
    for line in mountinfo.splitlines():
        _, _, after = line.partition(" - ")
        kind, _, options = (*after.split(" "), "", "", "")[:3]
        if kind != "overlay":
            continue
        for option in _unescaped(options).split(","):
            name, _, value = option.partition("=")
            if name in ("lowerdir", "lowerdir+"):
                found |= {layer for at in value.split(":") if (layer := _layer(at, links))}
    return frozenset(found)


def rest(
    data: Path, linked: frozenset[PurePosixPath], at: PurePosixPath = _TOP
) -> Iterator[tuple[PurePosixPath, list[str]]]:
    """What is left to be copied beside what is linked.

    Args:
        at: the folder within the data to look into; it contains linked ones.

    Yields:
        Each folder that contains linked ones, those above it first, with the names in it that are
        copied with all that is below them.
    """
    above = {parent for path in linked for parent in path.parents}
    names = sorted(path.name for path in (data / at).iterdir())
    yield at, [name for name in names if at / name not in linked | above]
    for name in names:
        if at / name in above:
            yield from rest(data, linked, at / name)


def keep(data: Path, linked: frozenset[PurePosixPath], to: Path) -> Size:
    """Copy a stopped host's data into a snapshot's folder, as ``linked`` and ``copied``.

    Raises:
        LabError: a program that copies failed.
    """
    for path in sorted(linked):
        target = to / "linked" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        link(data / path, target)
    (to / "copied").mkdir(parents=True)
    for folder, names in rest(data, linked):
        target = to / "copied" / folder
        target.mkdir(exist_ok=True)
        _like(data / folder, target)
        copy((data / folder / name for name in names), target)
    return Size(allocated(to / "linked"), allocated(to / "copied"))


def bring(kept: Path, data: Path) -> None:
    """Make a host's data from what ``keep`` has made.

    Raises:
        LabError: a program that copies failed.
    """
    data.mkdir(parents=True)
    if (kept / "linked").is_dir():
        for path in (kept / "linked").iterdir():
            link(path, data / path.name)
    copy([*(kept / "copied").iterdir()], data)


def link(folder: Path, to: Path) -> None:
    """Make a folder with hard links to another's files; a copy where they are on two disks.

    Raises:
        LabError: a program that copies failed.
    """
    same = folder.stat().st_dev == to.parent.stat().st_dev
    run("cp", "-a", *(("-l",) if same else ()), "--", folder, to)


def copy(paths: Iterable[Path], into: Path) -> None:
    """Copy files and folders, with all their attributes, into a folder.

    Raises:
        LabError: a program that copies failed.
    """
    if words := [*paths]:
        run("cp", "-a", "--reflink=auto", f"--target-directory={into}", "--", *words)


def allocated(folder: Path) -> int:
    """The bytes that a folder's files occupy on the disk, each file counted once."""
    blocks: dict[int, int] = {}
    for at, _, names in os.walk(folder):
        for name in names:
            stat = os.lstat(os.path.join(at, name))  # noqa: PTH118  # thousands of them
            blocks[stat.st_ino] = stat.st_blocks
    return 512 * sum(blocks.values())


def _layer(at: str, data: Path) -> PurePosixPath | None:
    """The layer, within a host's data, that a lower directory of a mount belongs to."""
    path = PurePosixPath(at)
    if not path.is_relative_to(_DATA):
        return None
    path = path.relative_to(_DATA)
    for layers in _LAYERS:
        if not path.is_relative_to(layers) or len(path.parts) < len(layers.parts) + 2:
            continue
        name = path.parts[len(layers.parts)]
        if name == "l":  # docker's links to layers: l/SHORT is ../ID/diff
            link = data / layers / name / path.parts[len(layers.parts) + 1]
            if not link.is_symlink():
                return None
            name = link.readlink().parts[1]
        folder = data / layers / name
        return layers / name if name != ".." and folder.is_dir() else None
    return None


def _unescaped(text: str) -> str:
    return _MOUNT_ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)


def _like(source: Path, target: Path) -> None:
    """Give a folder the owner, mode and times of another."""
    stat = source.stat()
    os.chown(target, stat.st_uid, stat.st_gid)
    shutil.copystat(source, target)
