"""Docker as the container runtime."""

from __future__ import annotations

from kubeinstall.deploys import cri_dockerd, cri_dockerd_files, docker_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.files import managed_file
from kubeinstall.operations.services import running


def configure(cluster: Cluster) -> None:
    """Docker's configuration, and its service running with that."""
    content = docker_files.daemon_json(cluster)
    managed_file(path=docker_files.DAEMON_JSON, content=content, name="Configure Docker")
    running(unit="docker.service", configs=(docker_files.DAEMON_JSON,), name="Run Docker")
    if cri_dockerd_files.needed(cluster):
        cri_dockerd.configure(cluster)
