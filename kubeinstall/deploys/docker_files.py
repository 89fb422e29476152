"""What Docker gets: pure functions of the inventory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kubeinstall.deploys import cri_dockerd_files
from kubeinstall.deploys.documents import merged
from kubeinstall.deploys.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.releases.accelerators import DOCKER_HUB

DAEMON_JSON = "/etc/docker/daemon.json"


def daemon_json(cluster: Cluster) -> str:
    """Docker's configuration; JSON has no comments, so it carries no marker."""
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
    return json.dumps(merged(document, runtime.config), indent=2) + "\n"


def files(cluster: Cluster, _host: Host) -> Iterable[RenderedFile]:
    """The files of the runtime."""
    yield RenderedFile(DAEMON_JSON, daemon_json(cluster))
    if cri_dockerd_files.needed(cluster):
        yield from cri_dockerd_files.files(cluster)
