"""containerd from its release archive: pure functions of the inventory."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinstall.files.rendered import RenderedFile
from kubeinstall.files.verified import download
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.downloads import Download
from kubeinstall.templates import render

UNIT_FILE = "/etc/systemd/system/containerd.service"
"""In /etc it takes the place of a package's own."""
PROGRAMS = "/usr/local/bin"
RUNC_FOLDER = "/usr/local/sbin"
"""Where the containerd project says that runc goes (docs/getting-started.md)."""
RECORD = "/usr/local/lib/containerd/installed"
RUNC_RECORD = "/usr/local/lib/runc/installed"


def archive(cluster: Cluster) -> Download | None:
    """The archive of containerd, if it is to come from one."""
    given = cluster.spec.runtime.archive
    return download(given) if given else None


def runc(cluster: Cluster) -> Download | None:
    """runc's own program; None: it comes from the distribution, or with containerd's package."""
    given = cluster.spec.runtime.archive
    return download(given.runc) if given and given.runc else None


def unit() -> str:
    """The unit of containerd (containerd.service in its repository)."""
    return render("containerd/containerd.service.j2", program=f"{PROGRAMS}/containerd")


def files(cluster: Cluster) -> Iterable[RenderedFile]:
    """The unit, which an archive of containerd does not bring."""
    if cluster.spec.runtime.archive:
        yield RenderedFile(UNIT_FILE, unit())
