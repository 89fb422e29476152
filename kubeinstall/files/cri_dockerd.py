"""What cri-dockerd gets: pure functions of the inventory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubeinstall.files.containerd import CNI_BIN
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.downloads import Download
from kubeinstall.releases.cri_dockerd import CHECKSUMS, archive_url
from kubeinstall.releases.images import sandbox_image
from kubeinstall.templates import render

SERVICE = "cri-docker.service"
SOCKET = "cri-docker.socket"
UNITS = (SERVICE, SOCKET)
"""To stop, in this order: the socket would start the service again."""
SERVICE_FILE = f"/etc/systemd/system/{SERVICE}"
SOCKET_FILE = f"/etc/systemd/system/{SOCKET}"

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_PACKAGES = (".deb", ".rpm")


def needed(cluster: Cluster) -> bool:
    """Whether the kubelet of the version speaks to Docker only through it; for docker alone."""
    return not cluster.release.dockershim


def downloads(cluster: Cluster) -> Mapping[str, Download]:
    """What it is installed from, by architecture as the kernel names it."""
    wanted = cluster.spec.runtime.cri_dockerd
    if wanted.file:
        found = Download(wanted.sha256 or "", path=str(wanted.file))
        return dict.fromkeys(_MACHINES, found)
    known = CHECKSUMS.get(wanted.version, {})
    return {
        machine: Download(
            wanted.sha256 or known.get(name, ""), wanted.url or archive_url(wanted.version, name)
        )
        for machine, name in _MACHINES.items()
        if wanted.sha256 or name in known
    }


def program(cluster: Cluster) -> str:
    """Where the program is: a package brings it to another place than we put an archive's."""
    wanted = cluster.spec.runtime.cri_dockerd
    packed = str(wanted.file or wanted.url or "").endswith(_PACKAGES)
    return "/usr/bin/cri-dockerd" if packed else "/usr/local/bin/cri-dockerd"


def service(cluster: Cluster) -> str:
    """Its unit; in /etc it takes the place of a package's own."""
    return render(
        "docker/cri-docker.service.j2",
        program=program(cluster),
        cni_bin=CNI_BIN,
        sandbox=sandbox_image(cluster.version, cluster.image_repository),
    )


def socket() -> str:
    """The unit of its socket, which the kubelet connects to."""
    return render("docker/cri-docker.socket.j2")


def files(cluster: Cluster) -> Iterable[RenderedFile]:
    """The files of cri-dockerd."""
    yield RenderedFile(SOCKET_FILE, socket())
    yield RenderedFile(SERVICE_FILE, service(cluster))
