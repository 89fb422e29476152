"""Where packages come from: one way, not two."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, dotted

_PACKAGES: Loc = ("cluster", "packages")
_ARCHIVE: Loc = (*_PACKAGES, "archive")
_ADD = "add `file: PATH` of a tar on this machine, or `url: URL` for the hosts to download"


def archive(inventory: InventoryFile) -> Iterator[Issue]:
    """An archive of packages is one file, and all that packages come from."""
    packages = inventory.cluster.packages
    if packages.archive is None:
        return
    if (packages.archive.file is None) == (packages.archive.url is None):
        both = packages.archive.file is not None
        yield Issue(
            _ARCHIVE,
            f"{dotted(_ARCHIVE)} has {'both a file and a url' if both else 'no file and no url'}",
            next="keep the one to install from" if both else _ADD,
            at_key=True,
        )
    for key in ("url", "key", "key_fingerprints"):
        if getattr(packages, key):
            yield Issue(
                (*_PACKAGES, key),
                f"{dotted((*_PACKAGES, key))} is not used: packages come from an archive",
                why="they are verified by its checksum",
                next="remove one of the two",
                at_key=True,
            )
