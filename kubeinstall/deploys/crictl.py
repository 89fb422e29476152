"""crictl, for whichever runtime there is."""

from __future__ import annotations

from kubeinstall.deploys import kubeadm_files
from kubeinstall.deploys.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.files import MARKER, Holds, managed_file
from kubeinstall.templates import render

CRICTL_YAML = "/etc/crictl.yaml"


def crictl_yaml(cluster: Cluster) -> RenderedFile:
    """crictl's configuration: ``crictl ps`` asks the runtime that the kubelet uses."""
    socket = kubeadm_files.cri_socket(cluster)
    url = socket if socket.startswith("unix://") else f"unix://{socket}"
    return RenderedFile(CRICTL_YAML, render("runtime/crictl.yaml.j2", marker=MARKER, socket=url))


def configure(cluster: Cluster) -> None:
    """Tell crictl where the runtime is; it need not be installed."""
    file = crictl_yaml(cluster)
    managed_file(path=file.path, content=file.content, holds=Holds.PUBLIC, name="Configure crictl")
