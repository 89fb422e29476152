"""What a kubelet should be told: pure functions of the inventory, the cluster and the host's files.

kubeadm keeps one KubeletConfiguration for all nodes in a ConfigMap and writes it to each node;
a node's own settings are laid on it. From Kubernetes 1.25 kubeadm does that itself with a patch
(kubeadm Configuration, "patches"), so they outlast an upgrade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from kubeinstall.documents import NotYamlError, merged, read
from kubeinstall.facts.resolv import USUAL
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster, Document, Host, RuntimeName
from kubeinstall.operations.files import MARKER
from kubeinstall.operations.three_way import laid_into
from kubeinstall.releases import Version

CONFIG = "/var/lib/kubelet/config.yaml"
FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
INSTANCE = "/var/lib/kubelet/instance-config.yaml"
"""Where kubeadm keeps the runtime's socket instead of a flag (NodeLocalCRISocket, from 1.34)."""
PATCHES = "/etc/kubernetes/kubeinstall/patches"
PATCH = f"{PATCHES}/kubeletconfiguration+merge.yaml"

OWNED = "kubeinstall.io/owned"
"""The annotation of the kubelets' ConfigMap with the fields that are kubeinstall's."""

DOCKERSHIM = "/var/run/dockershim.sock"
_SOCKET = "containerRuntimeEndpoint"
_SECRETS = frozenset({"staticPodURL", "staticPodURLHeader", "manifest-url", "manifest-url-header"})
"""Fields and flags that may hold a login or an authorization header."""
_HIDDEN = "(hidden)"
_OF_KUBEADM = ("hostname-override", "pod-infra-container-image", "register-with-taints")
_OF_RUNTIME = ("cgroup-driver", "container-runtime", "container-runtime-endpoint", "network-plugin")


@dataclass(frozen=True)
class SharedConfig:
    """The ConfigMap with the configuration that all kubelets of a cluster start from.

    Args:
        name: of the ConfigMap.
        text: the configuration, as YAML.
        owned: the fields that are ours, as noted on it; empty: nothing is noted.
    """

    name: str
    text: str
    owned: str = ""

    @classmethod
    def parse(cls, found: Mapping[str, Any]) -> SharedConfig:
        """Read the object; a part that is no text counts as empty."""
        metadata = found["metadata"]
        data, notes = found.get("data"), metadata.get("annotations")
        text = data.get("kubelet") if isinstance(data, dict) else ""
        owned = notes.get(OWNED) if isinstance(notes, dict) else ""
        return cls(
            metadata["name"],
            text if isinstance(text, str) else "",
            owned if isinstance(owned, str) else "",
        )


def basics(cluster: Cluster) -> Document:
    """What every kubelet of the cluster needs."""
    # Else kubeadm gives all nodes systemd-resolved's file if the first one has it; a node that has
    # it is told by itself.
    document: Document = {
        "cgroupDriver": "systemd",
        "clusterDNS": [cluster.spec.cluster_dns],
        "resolvConf": USUAL,
    }
    docker = cluster.spec.runtime.name is RuntimeName.DOCKER
    if not docker:
        # Docker rotates logs by itself; those of containerd's containers are the kubelet's.
        runtime = cluster.spec.runtime
        document["containerLogMaxSize"] = (
            f"{runtime.log_max_size[:-1]}{runtime.log_max_size[-1].capitalize()}i"
        )
        document["containerLogMaxFiles"] = runtime.log_max_files
    if docker and (cluster.version.major, cluster.version.minor) >= (1, 36):
        # With it `kubectl exec` fails through any cri-dockerd: Mirantis/cri-dockerd#569.
        document["featureGates"] = {"ExtendWebSocketsToKubelet": False}
    return document


def cluster_settings(cluster: Cluster) -> Document:
    """What we want in the cluster's own configuration: the basics, and what all hosts share."""
    first, *others = (host.kubelet.fields for host in cluster.hosts)
    shared = {
        key: value
        for key, value in first.items()
        if all(key in fields and fields[key] == value for fields in others)
    }
    return merged(basics(cluster), shared)


def config_map(version: Version) -> str:
    """The name of the kubelets' ConfigMap in kube-system: with the minor before 1.24."""
    early = (version.major, version.minor) < (1, 24)
    return f"kubelet-config-{version.minor_name}" if early else "kubelet-config"


def cluster_configuration(found: Document, ours: Document, last: Document | None) -> Document:
    """The cluster's configuration as it should be.

    Args:
        found: as it is.
        ours: what we want in it.
        last: what we wanted the last time; None: not known, so nothing is taken out.
    """
    return laid_into(found, ours, ours if last is None else last, {})


def patches_possible(cluster: Cluster) -> bool:
    """Whether kubeadm knows patches of the kubelet's configuration."""
    return (cluster.version.major, cluster.version.minor) >= (1, 25)


def patch(cluster: Cluster, host: Host) -> str | None:
    """The patch with the host's own settings; None where kubeadm needs none."""
    if not host.kubelet.fields or not patches_possible(cluster):
        return None
    return f"# {MARKER}.\n" + yaml.safe_dump(host.kubelet.fields)


def configuration(base: Document, host: Host, socket: str | None) -> Document:
    """A node's KubeletConfiguration.

    Args:
        base: the cluster's.
        socket: the runtime's, as a URL, where it belongs into the configuration.
    """
    local = {_SOCKET: socket} if socket else {}
    wanted = {**merged(base, host.kubelet.fields), **local}
    return document(dumped(wanted))


def flags(text: str) -> dict[str, str]:
    """The flags in kubeadm's environment file, by name without dashes."""
    _, _, value = text.strip().partition("=")
    pairs = (word.removeprefix("--").partition("=") for word in value.strip("\"'").split())
    return {name: value for name, _, value in pairs}


def flags_text(wanted: Mapping[str, str]) -> str:
    """kubeadm's environment file with these flags."""
    words = " ".join(f"--{name}={wanted[name]}" for name in sorted(wanted))
    return f'KUBELET_KUBEADM_ARGS="{words}"\n'


def flag_text(value: object) -> str:
    """A flag's value as the command line has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def wanted_flags(
    cluster: Cluster, host: Host, found: Mapping[str, str], socket: str, *, in_config: bool
) -> dict[str, str]:
    """A node's flags: those of kubeadm stay, all others are the inventory's.

    Args:
        found: those that it has now.
        socket: the runtime's, as kubeadm names it.
        in_config: the socket is in the configuration.
    """
    kept = {name: found[name] for name in _OF_KUBEADM if name in found}
    if not in_config:
        kept.update(_runtime_flags(cluster, found, socket))
    own = {name: flag_text(value) for name, value in host.kubelet.extra_args.items()}
    return {**kept, "node-ip": host.node_ip, **own}


def _runtime_flags(cluster: Cluster, found: Mapping[str, str], socket: str) -> dict[str, str]:
    """As kubeadm sets them (cmd/kubeadm/app/phases/kubelet/flags.go)."""
    if runtime_of(socket_of(found, {})) is runtime_of(socket):
        return {name: found[name] for name in _OF_RUNTIME if name in found}
    if runtime_of(socket) is RuntimeName.DOCKER and cluster.release.dockershim:
        return {"network-plugin": "cni"}
    endpoint = {"container-runtime-endpoint": socket}
    return {"container-runtime": "remote", **endpoint} if cluster.release.dockershim else endpoint


def socket_of(flags: Mapping[str, str], instance: Document) -> str:
    """The socket that a kubelet uses: without a word of one it is dockershim's.

    Args:
        instance: kubeadm's configuration of this very node; empty before Kubernetes 1.34.
    """
    said = instance.get(_SOCKET) or flags.get("container-runtime-endpoint")
    return str(said or DOCKERSHIM)


def runtime_of(socket: str) -> RuntimeName | None:
    """The runtime that a CRI socket belongs to; None: another one."""
    if "dockershim" in socket or "cri-docker" in socket:
        return RuntimeName.DOCKER
    return RuntimeName.CONTAINERD if "containerd" in socket else None


def as_url(socket: str) -> str:
    """A socket as a URL."""
    return socket if "://" in socket else f"unix://{socket}"


def document(text: str | None) -> Document:
    """A YAML document that somebody else may have broken; empty where it is none."""
    found = documents(text)
    return found[0] if len(found) == 1 else {}


def documents(text: str | None) -> list[Document]:
    """The mappings among YAML documents that somebody else may have broken; none where one is."""
    text = text or ""
    if len(text) > _LONGEST:
        return []
    try:
        return [one for one in read(text, _MOST_VALUES) if isinstance(one, dict)]
    except NotYamlError:
        return []


_LONGEST, _MOST_VALUES = 1 << 20, 50_000
"""Far more than a configuration of Kubernetes has: characters, values."""


def dumped(document: Document) -> str:
    """A document as kubeadm writes it."""
    return yaml.safe_dump(document)


def shown(document: Document) -> str:
    """A KubeletConfiguration as it may be shown: without what gives access to something."""
    return dumped({k: _HIDDEN if k in _SECRETS else v for k, v in document.items()})


def changed_fields(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What changes, as words: ``maxPods=50``, ``evictionHard (removed)``."""
    keys = sorted(found.keys() | wanted.keys())
    return [
        f"{key}={_HIDDEN if key in _SECRETS else wanted[key]}"
        if key in wanted
        else f"{key} (removed)"
        for key in keys
        if found.get(key) != wanted.get(key)
    ]


def files(cluster: Cluster, host: Host) -> Iterator[RenderedFile]:
    """The file of the host's own settings that kubeadm reads."""
    text = patch(cluster, host)
    if text:
        yield RenderedFile(PATCH, text)
