"""Docker as the container runtime."""

from __future__ import annotations

from pyinfra.context import host

from kubeinstall.deploys.runtime import cri_dockerd
from kubeinstall.facts.docker import Daemon
from kubeinstall.facts.flags import Flags
from kubeinstall.files import (
    cri_dockerd as cri_dockerd_files,
)
from kubeinstall.files import (
    docker as docker_files,
)
from kubeinstall.files import (
    proxy as proxy_files,
)
from kubeinstall.files import (
    registries as registry_files,
)
from kubeinstall.files.family import Family
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.containerd import registries_forgotten
from kubeinstall.operations.docker import FILES, UNIT, daemon_configured, desired
from kubeinstall.operations.docker_logins import docker_logins
from kubeinstall.operations.docker_settings import Clash
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.services import running

_JSON, _RECORD = docker_files.DAEMON_JSON, docker_files.RECORD


def configure(cluster: Cluster, family: Family) -> None:
    """Docker's configuration, and its service running with that."""
    settings = docker_files.daemon_settings(cluster)
    daemon_configured(
        path=_JSON,
        record=_RECORD,
        settings=settings,
        usual=docker_files.USUAL,
        name="Configure Docker",
    )
    configs = (_JSON, *proxy_files.configs("docker"))
    running(unit=UNIT, configs=configs, records=(_RECORD,), name="Run Docker")
    for file in docker_files.ca_files(cluster):
        registry = file.path.split("/")[-2]
        managed_file(
            path=file.path,
            content=file.content,
            holds=Holds.SECRETS,
            name=f"Install the CA of {registry}",
        )
    registries_forgotten(
        folder=docker_files.CERTS_D,
        wanted=docker_files.with_ca(cluster),
        name="Remove CAs of registries that no longer need one",
    )
    logins = registry_files.logins(cluster)
    for reader, path in docker_files.LOGIN_FILES.items():
        title = f"Write registry logins for {reader}"
        docker_logins(path=path, auths=logins, name=title)
    if cri_dockerd_files.needed(cluster):
        cri_dockerd.configure(cluster, family)


def check(cluster: Cluster) -> None:
    """Whether Docker can be configured on the host, before anything is changed there.

    Raises:
        KubeinstallError: its configuration file is no JSON, or Docker would not start with it.
    """
    state = host.get_fact(Daemon, path=_JSON, record=_RECORD)
    if state.error:
        raise KubeinstallError(
            Finding(
                Kind.PREFLIGHT,
                f"{_JSON} cannot be read",
                (host.name,),
                why=state.error,
                next=f"on {host.name}: correct {_JSON}, or move it away",
            )
        )
    line = host.get_fact(Flags, unit=UNIT, files=FILES, usual=docker_files.USUAL)
    *_, clashes = desired(state, docker_files.daemon_settings(cluster), line)
    if clashes:
        raise KubeinstallError(*(_clash(clash) for clash in clashes))


def _clash(clash: Clash) -> Finding:
    if clash.key == "hosts":
        then = (
            "remove hosts, or write `ExecStart=` and `ExecStart=/usr/sbin/dockerd "
            "--containerd=/run/containerd/containerd.sock` into "
            "/etc/systemd/system/docker.service.d/hosts.conf"
        )
    else:
        then = f"on {host.name}: remove {clash.flag.option} from {clash.flag.holder}, "
        then += f"and set cluster.runtime.config {{{clash.key}: ...}} instead"
    return Finding(
        Kind.PREFLIGHT,
        clash.what(_JSON),
        (host.name,),
        why="dockerd rejects a setting that is in both places",
        next=then,
    )
