"""What containerd gets: pure functions of the inventory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tomli_w

from kubeinstall.deploys.documents import merged
from kubeinstall.deploys.rendered import RenderedFile
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host, Registry
from kubeinstall.operations.files import MARKER
from kubeinstall.releases.images import sandbox_image

CONFIG_TOML = "/etc/containerd/config.toml"
CERTS_D = "/etc/containerd/certs.d"
CNI_BIN = "/opt/cni/bin"
"""Where the package kubernetes-cni has the plugins; Debian's containerd would look elsewhere."""

_DOCKER_HUB = "docker.io"
_CAPABILITIES = ["pull", "resolve"]
_RUNC = {"runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": True}}


def config_toml(cluster: Cluster, major: int) -> str:
    """containerd's configuration.

    Args:
        major: of containerd: 1 reads version 2 of the file, 2 reads version 3.

    Raises:
        KubeinstallError: the inventory's own settings hold what TOML cannot say.
    """
    sandbox = sandbox_image(cluster.version, cluster.image_repository)
    document = _config_1(sandbox) if major < 2 else _config_2(sandbox)
    try:
        text = tomli_w.dumps(merged(document, cluster.spec.runtime.config))
    except TypeError as error:
        raise KubeinstallError(
            Finding(
                Kind.INVENTORY,
                "cluster.runtime.config cannot be written as TOML",
                why=str(error),
                next="leave out keys without a value: TOML has no null",
            )
        ) from error
    return f"# {MARKER}.\n{text}"


def _config_1(sandbox: str) -> dict[str, Any]:
    cri = {
        "sandbox_image": sandbox,
        "registry": {"config_path": CERTS_D},
        "containerd": {"runtimes": {"runc": _RUNC}},
        "cni": {"bin_dir": CNI_BIN},
    }
    return {"version": 2, "plugins": {"io.containerd.grpc.v1.cri": cri}}


def _config_2(sandbox: str) -> dict[str, Any]:
    images = {"registry": {"config_path": CERTS_D}, "pinned_images": {"sandbox": sandbox}}
    # No cni section: bin_dir of 2.0 and bin_dirs of 2.1 exclude each other; both mean CNI_BIN.
    runtime = {"containerd": {"runtimes": {"runc": _RUNC}}}
    plugins = {"io.containerd.cri.v1.images": images, "io.containerd.cri.v1.runtime": runtime}
    return {"version": 3, "plugins": plugins}


def hosts_toml(name: str, registry: Registry) -> str:
    """How containerd reaches one registry: its mirrors first, then the registry itself.

    Args:
        name: the registry, e.g. ``docker.io`` or ``mirror.lab:5000``.
    """
    address = "registry-1.docker.io" if name == _DOCKER_HUB else name
    hosts: dict[str, dict[str, Any]] = {
        mirror: {"capabilities": _CAPABILITIES} for mirror in registry.mirrors
    }
    if registry.insecure:
        # As Docker does: an unchecked certificate, and plain HTTP where there is no TLS.
        hosts[f"https://{address}"] = {"capabilities": _CAPABILITIES, "skip_verify": True}
        hosts[f"http://{address}"] = {"capabilities": _CAPABILITIES}
    return f"# {MARKER}.\n" + tomli_w.dumps({"server": f"https://{address}", "host": hosts})


def registry_files(cluster: Cluster) -> Iterable[RenderedFile]:
    """One file for each registry; containerd reads them whenever it pulls."""
    for name, registry in cluster.spec.runtime.registries.items():
        yield RenderedFile(f"{CERTS_D}/{name}/hosts.toml", hosts_toml(name, registry))


def usual_major(cluster: Cluster) -> int:
    """The containerd that goes with a release: 1.35 was the last to support 1.x fully."""
    return 2 if (cluster.version.major, cluster.version.minor) >= (1, 36) else 1


def files(cluster: Cluster, _host: Host, major: int | None = None) -> Iterable[RenderedFile]:
    """The files of the runtime.

    Args:
        major: of containerd; None: the one that goes with the release.
    """
    yield RenderedFile(CONFIG_TOML, config_toml(cluster, major or usual_major(cluster)))
    yield from registry_files(cluster)
