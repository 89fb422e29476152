"""What Docker gets: pure functions of the inventory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from kubeinstall.documents import merged
from kubeinstall.files import cri_dockerd as cri_dockerd_files
from kubeinstall.files.registries import KUBELET_LOGINS, given_ca, hidden_logins
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations.docker_settings import log_settings
from kubeinstall.releases.accelerators import DOCKER_HUB

UNITS = (*cri_dockerd_files.UNITS, "docker.service", "docker.socket")
"""Docker's units, and those of what stands before it, in the order to stop them in."""
DAEMON_JSON = "/etc/docker/daemon.json"
RECORD = "/etc/docker/daemon.kubeinstall.json"
"""Which of its settings are ours; the others are the user's."""
CERTS_D = "/etc/docker/certs.d"
USUAL = "dockerd -H fd:// $DOCKER_OPTS $OPTIONS"
"""How distributions' units start it, which may not be there yet."""
LOGIN_FILES: Mapping[str, str] = MappingProxyType(
    {"docker": "/root/.docker/config.json", "the kubelet": KUBELET_LOGINS}
)
"""Who has which file with logins: docker for pulls by hand and by us, the kubelet for pods'."""


def daemon_settings(cluster: Cluster) -> Mapping[str, Any]:
    """What we want in Docker's configuration."""
    runtime = cluster.spec.runtime
    document: dict[str, Any] = {
        "exec-opts": ["native.cgroupdriver=systemd"],
        **log_settings(
            str(runtime.config.get("log-driver", "json-file")),
            {"max-size": runtime.log_max_size, "max-file": str(runtime.log_max_files)},
        ),
    }
    mirrors = runtime.mirrors(DOCKER_HUB)
    if mirrors:
        document["registry-mirrors"] = mirrors
    insecure = [name for name, registry in runtime.registries.items() if registry.insecure]
    if insecure:
        document["insecure-registries"] = insecure
    return merged(document, runtime.config)


def with_ca(cluster: Cluster) -> tuple[str, ...]:
    """The registries whose CA is named."""
    registries = cluster.spec.runtime.registries.items()
    return tuple(name for name, registry in registries if registry.ca)


def ca_files(cluster: Cluster) -> Iterable[RenderedFile]:
    """The CAs of registries; Docker reads them whenever it pulls.

    Raises:
        KubeinstallError: one is of no use.
    """
    for name, registry in cluster.spec.runtime.registries.items():
        ca = given_ca(name, registry)
        if ca:
            yield RenderedFile(f"{CERTS_D}/{name}/ca.crt", ca)


def files(cluster: Cluster, _host: Host) -> Iterable[RenderedFile]:
    """The files of the runtime."""
    text = json.dumps(daemon_settings(cluster), indent=2) + "\n"
    yield RenderedFile(DAEMON_JSON, text)
    yield RenderedFile(RECORD, text)
    yield from ca_files(cluster)
    for path in LOGIN_FILES.values():
        yield from hidden_logins(cluster, path)
    if cri_dockerd_files.needed(cluster):
        yield from cri_dockerd_files.files(cluster)
