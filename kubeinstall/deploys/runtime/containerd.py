"""containerd as the container runtime."""

from __future__ import annotations

from pyinfra.context import host

from kubeinstall.deploys.runtime import containerd_archive
from kubeinstall.facts.flags import Flags
from kubeinstall.files import (
    containerd as containerd_files,
)
from kubeinstall.files import (
    proxy as proxy_files,
)
from kubeinstall.files import (
    registries as registry_files,
)
from kubeinstall.files import (
    runtime_classes as runtime_class_files,
)
from kubeinstall.files.family import Family
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.containerd import containerd_configured, registries_forgotten
from kubeinstall.operations.docker_logins import docker_logins
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.services import running


def configure(cluster: Cluster, family: Family, package: str) -> None:
    """containerd's configuration, and its service running with that.

    Args:
        package: that it was installed from; empty where it came from an archive.
    """
    for program in runtime_class_files.packages(cluster):
        family.installed(((program, ""),), name=f"Install {program}")
    containerd_configured(
        path=containerd_files.CONFIG_TOML,
        contents=tuple((major, containerd_files.config_toml(cluster, major)) for major in (1, 2)),
        package=package,
        usual=containerd_files.usual_major(cluster),
        secret=containerd_files.has_secrets(cluster),
        name="Configure containerd",
    )
    _registries(cluster)
    configs = (
        containerd_files.CONFIG_TOML,
        *containerd_archive.configs(cluster),
        *proxy_files.configs("containerd"),
    )
    running(unit="containerd.service", configs=configs, name="Run containerd")
    nerdctl = containerd_files.nerdctl_toml()
    managed_file(
        path=containerd_files.NERDCTL_TOML,
        content=nerdctl,
        holds=Holds.PUBLIC,
        name="Configure nerdctl",
    )


def check() -> None:
    """Whether containerd reads the file that we write, before anything is changed on the host.

    Raises:
        KubeinstallError: somebody has it started with another one.
    """
    line = host.get_fact(Flags, unit="containerd.service", files=(), usual="containerd")
    for flag in line.flags:
        if flag.name in ("config", "c") and flag.value != containerd_files.CONFIG_TOML:
            raise KubeinstallError(
                Finding(
                    Kind.PREFLIGHT,
                    f"{flag.holder} makes containerd read {flag.value}",
                    (host.name,),
                    why="kubeinstall writes the cluster's settings to "
                    f"{containerd_files.CONFIG_TOML}",
                    next=f"on {host.name}: systemctl cat containerd; remove {flag.name}, and "
                    "copy the settings in that file to cluster.runtime.config",
                )
            )


def _registries(cluster: Cluster) -> None:
    for file in containerd_files.registry_files(cluster):
        *_, registry, what = file.path.split("/")
        title = f"Configure registry {registry} for containerd"
        if what == "ca.crt":
            title = f"Install the CA of {registry}"
        # A mirror's URL may hold a login, and the file of a CA a key as well.
        managed_file(path=file.path, content=file.content, holds=Holds.SECRETS, name=title)
    registries_forgotten(
        folder=containerd_files.CERTS_D,
        wanted=tuple(cluster.spec.runtime.registry_names()),
        name="Remove registries that are no longer in the inventory",
    )
    docker_logins(
        path=registry_files.KUBELET_LOGINS,
        auths=registry_files.logins(cluster),
        name="Write registry logins for the kubelet",
    )
