"""A host's disk: layers of its own over a cached root, and folders beside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from kubeinstall.lab import copying
from kubeinstall.lab.copying import Size
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabHost
from kubeinstall.lab.system import run

# Overlay on overlay fails, so what keeps layers or sockets of its own lives on a real file system.
DATA = ("containerd", "docker", "kubelet", "etcd")

_WHOLE = ("layers", "tree")
"""The folders of a host, beside its data, whose files are never written to again."""

Form = Mapping[str, object]
"""All that a host's disk was made from; another form needs another disk."""


def form(host: LabHost) -> Form | None:
    """What the host's disk was made from; None if it was never made to its end."""
    return _read(_note(host.folder))


def make(host: LabHost, base: Path, wanted: Form, write: Callable[[], None]) -> None:
    """Make the host's disk and mount it at the host's root.

    Args:
        base: the cached root below it.
        wanted: what it is made from.
        write: writes into the mounted root what makes it that host.
    """
    remove(host)
    for name in DATA:
        (host.folder / "data" / name).mkdir(parents=True)
    (host.folder / "base").symlink_to(base)
    mount(host)
    write()
    finish(host, wanted)


def finish(host: LabHost, made_from: Form) -> None:
    """Note what the host's disk was made from; a disk without the note is made again."""
    _note(host.folder).write_text(json.dumps(made_from))


def layers(host: LabHost) -> list[Path]:
    """The host's layers below the one that it writes to, the lowest first."""
    return sorted((host.folder / "layers").glob("*"), key=lambda path: int(path.name))


def freeze(host: LabHost) -> None:
    """Put what the host has written into a layer that is never written to again.

    Unmounts its root. A layer's files can be hard links to another disk's, as overlayfs copies a
    file up before it changes it.
    """
    unmount(host)
    upper = host.folder / "upper"
    if not upper.is_dir() or not any(upper.iterdir()):
        return
    number = max((int(path.name) for path in layers(host)), default=0) + 1
    (host.folder / "layers").mkdir(exist_ok=True)
    upper.rename(host.folder / "layers" / str(number))


def mount(host: LabHost) -> None:
    """Mount the host's root, if it is not.

    Raises:
        LabError: the cached root is gone.
    """
    if host.root.is_mount():
        return
    base = (host.folder / "base").readlink()
    if not base.is_dir():
        raise LabError(
            f"the root below the host's disk, {base}, is no longer in the cache",
            host=host.name,
            next="run `kubeinstall lab down`, then `kubeinstall lab up` again",
        )
    for name in ("root", "upper", "work"):
        (host.folder / name).mkdir(exist_ok=True)
    # By paths within the folder: mount(2) takes one page of options for any number of layers.
    lower = [str(path.relative_to(host.folder)) for path in reversed(layers(host))]
    options = f"lowerdir={':'.join([*lower, 'base'])},upperdir=upper,workdir=work"
    mount = ("mount", "-t", "overlay", "overlay", "-o", options, host.root)
    run("env", f"--chdir={host.folder}", *mount)


def unmount(host: LabHost) -> None:
    """Unmount the host's root, if it is mounted."""
    while host.root.is_mount():
        run("umount", host.root)


def remove(host: LabHost) -> None:
    """Unmount and forget the host's disk."""
    unmount(host)
    if host.folder.is_dir():
        # The note first: whatever is left if this is interrupted is no host's disk.
        _note(host.folder).unlink(missing_ok=True)
        shutil.rmtree(host.folder)


def keep(host: LabHost, linked: frozenset[PurePosixPath], to: Path) -> Size:
    """Copy a stopped host's disk into a snapshot's folder; the host goes on in a new layer.

    Args:
        linked: what of its data is never written to again (``copying.unchanging``).

    Raises:
        LabError: a program that copies failed.
    """
    freeze(host)
    to.mkdir(parents=True)
    shutil.copyfile(_note(host.folder), _note(to))
    size = copying.keep(host.folder / "data", linked, to)
    for name in _WHOLE:
        if (host.folder / name).is_dir():
            copying.link(host.folder / name, to / name)
            size += Size(linked=copying.allocated(to / name))
    return size


def bring(host: LabHost, kept: Path, base: Path) -> Form:
    """Make a host's disk from what ``keep`` has made; it counts after ``finish`` alone.

    Args:
        base: the cached root that it was made on.

    Returns:
        What it was made from.

    Raises:
        LabError: it is not complete, or a program that copies failed.
    """
    made_from = _read(_note(kept))
    if made_from is None:
        raise LabError(
            "the snapshot has no disk of this host",
            host=host.name,
            why=f"{_note(kept)} is missing or cannot be read",
            next="remove the snapshot with `kubeinstall lab rm`, and save the lab again",
        )
    remove(host)
    copying.bring(kept, host.folder / "data")
    for name in _WHOLE:
        if (kept / name).is_dir():
            copying.link(kept / name, host.folder / name)
    (host.folder / "base").symlink_to(base)
    return made_from


def _note(folder: Path) -> Path:
    return folder / "form.json"


def _read(note: Path) -> Form | None:
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
