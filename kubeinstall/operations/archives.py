"""A package source on the host itself, out of one verified archive."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from pathlib import PurePosixPath

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists
from kubeinstall.operations.commands import Command
from kubeinstall.operations.downloads import Download, brought, functions
from kubeinstall.resources import script

_WHAT = "the archive of packages"


@operation()
def archive_unpacked(download: Download, folder: str, rpm: bool = False) -> Generator[object]:
    """A folder with the archive's packages and an index of them; other archives' are removed.

    Args:
        download: a tar of .deb files, or of .rpm files with their ``repodata``.
        folder: absolute path, another one for each archive.
        rpm: the host takes .rpm files.

    Raises:
        OperationError: the file on this machine is another one.
    """
    if host.get_fact(Exists, path=folder):
        return
    parent = PurePosixPath(folder).parent
    part = str(parent / "download")
    yield from brought(download, part, _WHAT)
    unpack = script(
        "archives/unpack", part=part, folder=folder, parent=str(parent), rpm="yes" if rpm else ""
    )
    yield Command(f"{functions(download, part, _WHAT)}\n{unpack}")


@operation()
def archives_gone(folder: str) -> Generator[Command]:
    """No unpacked archives.

    Args:
        folder: that they are in.
    """
    if host.get_fact(Exists, path=folder):
        yield Command(f"rm -rf {shlex.quote(folder)}")
