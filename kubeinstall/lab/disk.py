"""A host's disk: a layer of its own over a cached root."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabHost
from kubeinstall.lab.system import run

# Overlay on overlay fails, so what keeps layers or sockets of its own lives on a real file system.
DATA = ("containerd", "docker", "kubelet", "etcd")

Form = Mapping[str, object]
"""All that a host's disk was made from; another form needs another disk."""


def form(host: LabHost) -> Form | None:
    """What the host's disk was made from; None if it was never made to its end."""
    try:
        found: Form = json.loads(_note(host).read_text())
    except (OSError, ValueError):
        return None
    return found


def make(host: LabHost, base: Path, wanted: Form, write: Callable[[], None]) -> None:
    """Make the host's disk and mount it at the host's root.

    Args:
        base: the cached root below it.
        wanted: what it is made from.
        write: writes into the mounted root what makes it that host.
    """
    remove(host)
    for name in ("root", "upper", "work", *(f"data/{name}" for name in DATA)):
        (host.folder / name).mkdir(parents=True, exist_ok=True)
    (host.folder / "base").symlink_to(base)
    mount(host)
    write()
    # Written last: a disk that was made half-way is made again.
    _note(host).write_text(json.dumps(wanted))


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
    layers = f"lowerdir={base},upperdir={host.folder / 'upper'},workdir={host.folder / 'work'}"
    run("mount", "-t", "overlay", "overlay", "-o", layers, host.root)


def remove(host: LabHost) -> None:
    """Unmount and forget the host's disk."""
    while host.root.is_mount():
        run("umount", host.root)
    if host.folder.is_dir():
        # The note first: whatever is left if this is interrupted is no host's disk.
        _note(host).unlink(missing_ok=True)
        shutil.rmtree(host.folder)


def _note(host: LabHost) -> Path:
    return host.folder / "form.json"
