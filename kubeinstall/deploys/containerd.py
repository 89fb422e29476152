"""containerd as the container runtime."""

from __future__ import annotations

from kubeinstall.deploys import containerd_files, proxy_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.containerd import containerd_configured
from kubeinstall.operations.files import managed_file
from kubeinstall.operations.services import running


def configure(cluster: Cluster, package: str) -> None:
    """containerd's configuration, and its service running with that.

    Args:
        package: that it was installed from.
    """
    containerd_configured(
        path=containerd_files.CONFIG_TOML,
        contents=tuple((major, containerd_files.config_toml(cluster, major)) for major in (1, 2)),
        package=package,
        usual=containerd_files.usual_major(cluster),
        name="Configure containerd",
    )
    for file in containerd_files.registry_files(cluster):
        registry = file.path.split("/")[-2]
        title = f"Tell containerd how to reach {registry}"
        managed_file(path=file.path, content=file.content, name=title)
    configs = (containerd_files.CONFIG_TOML, *proxy_files.configs("containerd"))
    running(unit="containerd.service", configs=configs, name="Run containerd")
