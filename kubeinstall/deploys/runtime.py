"""The ``runtime`` phase: Docker or containerd, as the kubelet wants it."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys import runtime_files
from kubeinstall.inventory.model import Cluster, RuntimeName
from kubeinstall.operations.containerd import containerd_configured
from kubeinstall.operations.files import managed_file
from kubeinstall.operations.packages import installed
from kubeinstall.operations.services import running

_PACKAGES = {RuntimeName.DOCKER: "docker.io", RuntimeName.CONTAINERD: "containerd"}


@deploy("Install the container runtime")
def install() -> None:
    """The runtime's package, its configuration, and its service running with that."""
    cluster: Cluster = host.data.cluster
    runtime = cluster.spec.runtime
    package = runtime.package or _PACKAGES[runtime.name]
    wanted = ((package, runtime.version or ""),)
    installed(wanted=wanted, held=bool(runtime.version), name=f"Install {package}")
    if runtime.name is RuntimeName.DOCKER:
        _docker(cluster)
    else:
        _containerd(cluster, package)


def _docker(cluster: Cluster) -> None:
    content = runtime_files.daemon_json(cluster)
    managed_file(path=runtime_files.DAEMON_JSON, content=content, name="Configure Docker")
    running(unit="docker.service", configs=(runtime_files.DAEMON_JSON,), name="Run Docker")


def _containerd(cluster: Cluster, package: str) -> None:
    containerd_configured(
        path=runtime_files.CONFIG_TOML,
        contents=tuple((major, runtime_files.config_toml(cluster, major)) for major in (1, 2)),
        package=package,
        usual=runtime_files.usual_major(cluster),
        name="Configure containerd",
    )
    for file in runtime_files.registry_files(cluster):
        registry = file.path.split("/")[-2]
        title = f"Tell containerd how to reach {registry}"
        managed_file(path=file.path, content=file.content, name=title)
    configs = (runtime_files.CONFIG_TOML,)
    running(unit="containerd.service", configs=configs, name="Run containerd")
