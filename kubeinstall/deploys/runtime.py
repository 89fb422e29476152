"""The ``runtime`` phase: Docker or containerd, as the kubelet wants it."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys import containerd, crictl, docker, families
from kubeinstall.inventory.model import Cluster, RuntimeName


@deploy("Install the container runtime")
def install() -> None:
    """The runtime's package, its configuration, and its service running with that."""
    cluster: Cluster = host.data.cluster
    runtime = cluster.spec.runtime
    if runtime.name is RuntimeName.DOCKER:
        docker.check(cluster)
    family = families.current()
    package = runtime.package or family.runtime_package(runtime.name)
    wanted = ((package, runtime.version or ""),)
    family.installed(wanted, held=bool(runtime.version), name=f"Install {package}")
    if runtime.name is RuntimeName.DOCKER:
        docker.configure(cluster)
    else:
        containerd.configure(cluster, package)
    crictl.configure(cluster)
