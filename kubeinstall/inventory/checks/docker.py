"""What Docker needs beside itself."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.inventory.model import InventoryFile, RuntimeName
from kubeinstall.inventory.positions import Issue, dotted
from kubeinstall.releases import Version
from kubeinstall.releases.cri_dockerd import CHECKSUMS

CRI_DOCKERD_SINCE = (1, 24)
_SUFFIXES = (".tgz", ".tar.gz", ".deb", ".rpm")


def cri_dockerd(inventory: InventoryFile) -> Iterator[Issue]:
    """What the kubelet speaks to Docker through is one certain file."""
    runtime = inventory.cluster.runtime
    version = Version.parse(inventory.cluster.kubernetes)
    loc = ("cluster", "runtime", "cri_dockerd")
    wanted = runtime.cri_dockerd
    late = (version.major, version.minor) >= CRI_DOCKERD_SINCE
    if runtime.name is not RuntimeName.DOCKER or not late:
        if "cri_dockerd" in runtime.model_fields_set:
            yield Issue(
                loc,
                f"{dotted(loc)}: it is only for docker with Kubernetes 1.24 and later",
                next="remove it",
                severity="warning",
                at_key=True,
            )
        return
    own = "file" if wanted.file else "url"
    if wanted.file and wanted.url:
        yield Issue(
            (*loc, "url"),
            f"{dotted(loc)}: url and file exclude each other",
            next="keep the one to install it from",
            at_key=True,
        )
    elif wanted.file and not wanted.file.name.endswith(_SUFFIXES):
        yield Issue(
            (*loc, "file"),
            f'{dotted((*loc, "file"))}: "{wanted.file}" is neither an archive nor a package',
            next=f"its name ends in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}",
        )
    elif (wanted.file or wanted.url) and not wanted.sha256:
        yield Issue(
            (*loc, own),
            f"{dotted(loc)}: {own} requires sha256",
            why="it runs as root on every host, so its content must be verified",
            next="set sha256 as well: the sha256sum of a file that you trust",
            at_key=True,
        )
    elif wanted.version not in CHECKSUMS and not wanted.sha256:
        yield Issue(
            (*loc, "version"),
            f"{dotted((*loc, 'version'))}: the checksum of {wanted.version} is not known",
            why=f"known versions are {', '.join(CHECKSUMS)}",
            next="use one of these, or set sha256 of the archive as well",
        )


def repository_key(inventory: InventoryFile) -> Iterator[Issue]:
    """The signing key does not come over plain HTTP, where anyone on the way could change it."""
    repository = inventory.cluster.runtime.repository
    if repository.url and repository.url.startswith("http://") and repository.key is None:
        loc = ("cluster", "runtime", "repository")
        yield Issue(
            (*loc, "url"),
            f"{dotted((*loc, 'key'))} is missing: the key of a package source on plain HTTP "
            "cannot be downloaded safely",
            why="it could be replaced in transit",
            next=f"save the repository's signing key to a file and set "
            f"{dotted((*loc, 'key'))} to it, or use https",
        )
