"""crictl's configuration, for whichever runtime there is."""

from __future__ import annotations

from kubeinstall.files import kubeadm
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.files import MARKER
from kubeinstall.templates import render

CRICTL_YAML = "/etc/crictl.yaml"


def crictl_yaml(cluster: Cluster) -> RenderedFile:
    """crictl's configuration: ``crictl ps`` asks the runtime that the kubelet uses."""
    socket = kubeadm.cri_socket(cluster)
    url = socket if socket.startswith("unix://") else f"unix://{socket}"
    return RenderedFile(CRICTL_YAML, render("runtime/crictl.yaml.j2", marker=MARKER, socket=url))
