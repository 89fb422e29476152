"""A drained node gets another runtime."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.deploy import deploy

from kubeinstall.deploys import runtime
from kubeinstall.deploys.inputs import SystemInputs
from kubeinstall.deploys.kubernetes import kubelet
from kubeinstall.files.kubeadm import cri_socket
from kubeinstall.inventory.model import Document, RuntimeName
from kubeinstall.operations.switching import pods_gone, retired

_DOCKER = ("docker.service", "docker.socket", "cri-docker.service", "cri-docker.socket")


@dataclass(frozen=True)
class Inputs(SystemInputs):
    """The inputs of ``switch``.

    Args:
        kubelet_config: the configuration that all kubelets share; None: it is not known.
    """

    kubelet_config: Document | None = None


@deploy("Switch the container runtime")
def switch(inputs: Inputs | None = None) -> None:
    """From the old runtime to the inventory's; the kubelet comes back with it."""
    inputs = inputs or Inputs.plain()
    cluster = inputs.cluster
    docker = cluster.spec.runtime.name is RuntimeName.CONTAINERD
    old = RuntimeName.DOCKER if docker else RuntimeName.CONTAINERD
    pods_gone(docker=docker, name=f"Stop the kubelet and its pods in {old.value}")
    runtime.install(inputs=SystemInputs(cluster, inputs.host, inputs.system))
    if docker:
        retired(units=_DOCKER, name="Stop and disable Docker")
    # Docker keeps its containers in containerd: that one stays.
    socket = cri_socket(cluster)
    node = kubelet.Inputs(cluster, inputs.host, inputs.kubelet_config, socket)
    kubelet.configure(inputs=node)
