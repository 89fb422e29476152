"""What Docker gets: pure functions of the inventory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kubeinstall.deploys import cri_dockerd_files
from kubeinstall.deploys.documents import merged
from kubeinstall.deploys.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.releases.accelerators import DOCKER_HUB

DAEMON_JSON = "/etc/docker/daemon.json"
RECORD = "/etc/docker/daemon.kubeinstall.json"
"""Which of its settings are ours; the others are the user's."""


def daemon_settings(cluster: Cluster) -> Mapping[str, Any]:
    """What we want in Docker's configuration."""
    runtime = cluster.spec.runtime
    document: dict[str, Any] = {
        "exec-opts": ["native.cgroupdriver=systemd"],
        "log-driver": "json-file",
        "log-opts": {"max-size": runtime.log_max_size, "max-file": str(runtime.log_max_files)},
    }
    mirrors = runtime.mirrors(DOCKER_HUB)
    if mirrors:
        document["registry-mirrors"] = mirrors
    insecure = [name for name, registry in runtime.registries.items() if registry.insecure]
    if insecure:
        document["insecure-registries"] = insecure
    return merged(document, runtime.config)


def files(cluster: Cluster, _host: Host) -> Iterable[RenderedFile]:
    """The files of the runtime."""
    text = json.dumps(daemon_settings(cluster), indent=2) + "\n"
    yield RenderedFile(DAEMON_JSON, text)
    yield RenderedFile(RECORD, text)
    if cri_dockerd_files.needed(cluster):
        yield from cri_dockerd_files.files(cluster)
