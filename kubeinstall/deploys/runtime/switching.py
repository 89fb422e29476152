"""A drained node gets another runtime."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys import runtime
from kubeinstall.deploys.kubernetes import kubelet
from kubeinstall.inventory.model import Cluster, RuntimeName
from kubeinstall.operations.switching import pods_gone, retired

_DOCKER = ("docker.service", "docker.socket", "cri-docker.service", "cri-docker.socket")


@deploy("Switch the container runtime")
def switch() -> None:
    """From the old runtime to the inventory's; the kubelet comes back with it.

    In memory, beside what the kubelet's deploy wants: ``cri_socket`` is the new runtime's.
    """
    cluster: Cluster = host.data.cluster
    docker = cluster.spec.runtime.name is RuntimeName.CONTAINERD
    old = RuntimeName.DOCKER if docker else RuntimeName.CONTAINERD
    pods_gone(docker=docker, name=f"Stop the kubelet and its pods in {old.value}")
    runtime.install()
    if docker:
        retired(units=_DOCKER, name="Stop Docker, and keep it from starting at boot")
    # Docker keeps its containers in containerd: that one stays.
    kubelet.configure()
