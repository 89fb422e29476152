"""What containerd gets: pure functions of the inventory."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import tomli_w

from kubeinstall.documents import merged
from kubeinstall.files import containerd_archive as containerd_archive_files
from kubeinstall.files.registries import KUBELET_LOGINS, given_ca, hidden_logins
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.files.runtime_classes import handlers
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host, Registry, Runtime
from kubeinstall.operations.files import MARKER
from kubeinstall.releases.accelerators import DOCKER_HUB
from kubeinstall.releases.images import sandbox_image

CONFIG_TOML = "/etc/containerd/config.toml"
CERTS_D = "/etc/containerd/certs.d"
NERDCTL_TOML = "/etc/nerdctl/nerdctl.toml"
CNI_BIN = "/opt/cni/bin"
"""Where the package kubernetes-cni has the plugins; Debian's containerd would look elsewhere."""

_CAPABILITIES = ["pull", "resolve"]


def config_toml(cluster: Cluster, major: int, *, secrets: bool = True) -> str:
    """containerd's configuration.

    Args:
        major: of containerd: 1 reads version 2 of the file, 2 reads version 3.
        secrets: whether passwords of registries are in it.

    Raises:
        KubeinstallError: the inventory's own settings hold what TOML cannot say.
    """
    sandbox = sandbox_image(cluster.version, cluster.image_repository)
    registry: dict[str, Any] = {"config_path": CERTS_D}
    if logins := _logins(cluster, secrets):
        registry["configs"] = logins
    document = (_config_1 if major < 2 else _config_2)(sandbox, registry, handlers(cluster))
    try:
        text = tomli_w.dumps(merged(document, cluster.spec.runtime.config))
    except TypeError as error:
        raise KubeinstallError(
            Finding(
                Kind.INVENTORY,
                "cluster.runtime.config cannot be written as TOML",
                why=str(error),
                next="remove keys without a value: TOML has no null",
            )
        ) from error
    return f"# {MARKER}.\n{text}"


def has_secrets(cluster: Cluster) -> bool:
    """Whether containerd's configuration has passwords in it."""
    return bool(_logins(cluster, secrets=False))


def _logins(cluster: Cluster, secrets: bool) -> dict[str, Any]:
    """For what containerd pulls by itself, and for crictl; pods' pulls bring the kubelet's.

    hosts.toml has no place for them: a header there is of no use where a registry wants a token.
    """
    found: dict[str, Any] = {}
    for name, registry in cluster.spec.runtime.registries.items():
        if registry.username and registry.password:
            password = registry.password.get_secret_value() if secrets else "(secret)"
            found[_address(name)] = {"auth": {"username": registry.username, "password": password}}
    return found


def _config_1(sandbox: str, registry: dict[str, Any], runtimes: dict[str, Any]) -> dict[str, Any]:
    cri = {
        "sandbox_image": sandbox,
        "registry": registry,
        "containerd": {"runtimes": runtimes},
        "cni": {"bin_dir": CNI_BIN},
    }
    return {"version": 2, "plugins": {"io.containerd.grpc.v1.cri": cri}}


def _config_2(sandbox: str, registry: dict[str, Any], runtimes: dict[str, Any]) -> dict[str, Any]:
    images = {"registry": registry, "pinned_images": {"sandbox": sandbox}}
    # No cni section: bin_dir of 2.0 and bin_dirs of 2.1 exclude each other; both mean CNI_BIN.
    runtime = {"containerd": {"runtimes": runtimes}}
    plugins = {"io.containerd.cri.v1.images": images, "io.containerd.cri.v1.runtime": runtime}
    return {"version": 3, "plugins": plugins}


def hosts_toml(runtime: Runtime, name: str) -> str:
    """How containerd reaches one registry: its mirrors first, then the registry itself.

    Args:
        name: the registry, e.g. ``docker.io`` or ``mirror.lab:5000``; a mirror that has an entry
            of its own among the registries is reached as that says.
    """
    known, address = runtime.registries, _address(name)
    hosts: dict[str, dict[str, Any]] = {}
    for mirror in runtime.mirrors(name):
        url = urlsplit(mirror)
        hosts[mirror] = _trust(url.netloc, known.get(url.netloc))
        if re.match(r"/v2/.", url.path):
            # As Harbor's proxies: the path is the whole of it, or containerd appends another /v2.
            hosts[mirror]["override_path"] = True
    registry = known.get(name)
    if registry and (registry.insecure or registry.ca):
        hosts[f"https://{address}"] = _trust(name, registry)
    if registry and registry.insecure:
        # As Docker does: an unchecked certificate, and plain HTTP where there is no TLS.
        hosts[f"http://{address}"] = {"capabilities": _CAPABILITIES}
    return f"# {MARKER}.\n" + tomli_w.dumps({"server": f"https://{address}", "host": hosts})


def _trust(name: str, registry: Registry | None) -> dict[str, Any]:
    """A host in hosts.toml, with what makes its certificate good."""
    entry: dict[str, Any] = {"capabilities": _CAPABILITIES}
    if registry and registry.insecure:
        entry["skip_verify"] = True
    if registry and registry.ca:
        entry["ca"] = ca_path(name)
    return entry


def _address(name: str) -> str:
    return "registry-1.docker.io" if name == DOCKER_HUB else name


def ca_path(name: str) -> str:
    """Where the CA of a registry lies."""
    return f"{CERTS_D}/{name}/ca.crt"


def registry_files(cluster: Cluster) -> Iterable[RenderedFile]:
    """What containerd is told of each registry; it reads these files whenever it pulls.

    Raises:
        KubeinstallError: a CA is of no use.
    """
    runtime = cluster.spec.runtime
    for name in runtime.registry_names():
        ca = given_ca(name, runtime.registries[name]) if name in runtime.registries else None
        if ca:
            yield RenderedFile(ca_path(name), ca)
        yield RenderedFile(f"{CERTS_D}/{name}/hosts.toml", hosts_toml(runtime, name))


def nerdctl_toml() -> str:
    """nerdctl's configuration: the images and containers of the cluster, its registries."""
    settings = {
        "address": "unix:///run/containerd/containerd.sock",
        "namespace": "k8s.io",
        "hosts_dir": [CERTS_D],
        "cgroup_manager": "systemd",
    }
    return f"# {MARKER}.\n{tomli_w.dumps(settings)}"


def usual_major(cluster: Cluster) -> int:
    """The containerd that goes with a release: 1.35 was the last to support 1.x fully."""
    return 2 if (cluster.version.major, cluster.version.minor) >= (1, 36) else 1


def files(cluster: Cluster, _host: Host, major: int | None = None) -> Iterable[RenderedFile]:
    """The files of the runtime.

    Args:
        major: of containerd; None: the one that goes with the release.
    """
    text = config_toml(cluster, major or usual_major(cluster), secrets=False)
    yield RenderedFile(CONFIG_TOML, text, "600" if has_secrets(cluster) else "644")
    yield from registry_files(cluster)
    yield from hidden_logins(cluster, KUBELET_LOGINS)
    yield from containerd_archive_files.files(cluster)
    yield RenderedFile(NERDCTL_TOML, nerdctl_toml())
