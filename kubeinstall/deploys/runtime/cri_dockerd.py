"""cri-dockerd: what the kubelet speaks to where Docker is the runtime, from Kubernetes 1.24 on."""

from __future__ import annotations

from kubeinstall.deploys import downloads
from kubeinstall.files import cri_dockerd as files
from kubeinstall.files.family import Family
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.cri_dockerd import RECORD, cri_dockerd_installed
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.services import running


def configure(cluster: Cluster, family: Family) -> None:
    """Its units, its program, and its service running with these."""
    # The units come first: a package starts its service at once, and would do so with its own.
    socket, service = files.socket(), files.service(cluster)
    managed_file(
        path=files.SOCKET_FILE,
        content=socket,
        holds=Holds.PUBLIC,
        name="Write the CRI socket unit",
    )
    managed_file(
        path=files.SERVICE_FILE,
        content=service,
        holds=Holds.PUBLIC,
        name="Write the cri-dockerd unit",
    )
    wanted = files.downloads(cluster)
    downloads.prepare(family, *wanted.values())
    cri_dockerd_installed(
        downloads=wanted,
        program=files.program(cluster),
        name="Install cri-dockerd",
    )
    running(unit=files.SOCKET, configs=(), name="Open the CRI socket")
    configs = (files.SERVICE_FILE, RECORD)
    running(unit=files.SERVICE, configs=configs, name="Run cri-dockerd")
