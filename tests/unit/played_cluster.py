"""A cluster that is played: what its control plane answers to the question about its nodes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any

import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from kubeinstall.cluster.nodes import question
from kubeinstall.cluster.on_disk import QUESTION
from kubeinstall.engine.types import Output
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.inventory.model import Cluster, NetworkPlugin
from tests.unit.certificates import certificate

CNI = {
    NetworkPlugin.BRIDGE: "10-kubeinstall.conflist",
    NetworkPlugin.FLANNEL: "10-flannel.conflist",
    NetworkPlugin.CALICO: "10-calico.conflist",
    NetworkPlugin.CANAL: "10-canal.conflist",
    NetworkPlugin.NONE: "",
}
AUTHORITY = certificate().public_bytes(Encoding.PEM).decode()
"""The clusters' certificate authority."""


def node(
    name: str,
    address: str,
    share: str = "",
    *,
    version: str = "1.36.2",
    ready: bool = True,
    labels: Iterable[str] = (),
) -> dict[str, Any]:
    """A node object."""
    return {
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, **dict.fromkeys(labels, "")},
        },
        "spec": {"podCIDR": share} if share else {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
            "nodeInfo": {"kubeletVersion": f"v{version}"},
        },
    }


def nodes_of(cluster: Cluster) -> list[dict[str, Any]]:
    """A node for each host, with its share of the pod network."""
    role = "node-role.kubernetes.io/control-plane"
    shares = cluster.spec.network.pods.subnets(new_prefix=24)
    return [
        node(
            host.hostname,
            host.node_ip,
            str(share),
            version=str(cluster.version),
            labels=[role] if host.is_control_plane else [],
        )
        for host, share in zip(cluster.hosts, shares, strict=False)
    ]


def told(
    made: Cluster,
    nodes: Iterable[Mapping[str, Any]] | None = None,
    *,
    version: str = "",
    configuration: Mapping[str, Any] | None = None,
    proxy: Mapping[str, Any] | None = None,
    maps: Iterable[str | Mapping[str, Any]] = (),
    left: str = "",
) -> str:
    """What the control plane of a cluster answers.

    Args:
        made: the cluster as its inventory was when it was made.
        nodes: default: one for each host.
        version: of the API server; default: the inventory's.
        configuration: more of its ClusterConfiguration.
        proxy: more of its KubeProxyConfiguration.
        maps: further ConfigMaps, or the names of empty ones.
        left: names of Secrets with tokens that a killed run left.
    """
    noted = {**kubeadm_files.cluster_configuration(made), **(configuration or {})}
    proxies = {**kubeadm_files.kube_proxy_configuration(made), **(proxy or {})}
    found: list[Mapping[str, Any]] = [
        _config_map("kubeadm-config", ClusterConfiguration=yaml.safe_dump(noted)),
        _config_map("kube-proxy", **{"config.conf": yaml.safe_dump(proxies)}),
        *(one if isinstance(one, Mapping) else _config_map(one) for one in maps),
    ]
    parts = (
        json.dumps({"items": list(nodes_of(made) if nodes is None else nodes)}),
        AUTHORITY,
        json.dumps({"items": found}),
        json.dumps({"gitVersion": f"v{version or made.version}"}),
        CNI[made.spec.network.plugin],
        str(made.spec.network.calico.block_size)
        if made.spec.network.plugin is NetworkPlugin.CALICO
        else "",
        left,
    )
    return "\036".join(parts)


def _config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def answering(
    wanted: Cluster, said: str = "", disks: Mapping[str, str] | None = None
) -> Callable[[str, str], Output]:
    """Answers for a fake session.

    Args:
        wanted: the inventory of the run.
        said: what the control plane says of the cluster; empty: its API server does not answer.
        disks: by host, what it has on its disk.
    """

    def answer(host: str, command: str) -> Output:
        if command == question(wanted.version):
            return Output(0 if said else 1, said, "" if said else "connection refused")
        return Output(0, (disks or {}).get(host, "") if command == QUESTION else "", "")

    return answer


_KUBECTL = re.compile(r"(?:\$kubectl|/kubectl --kubeconfig \S+) (?=([^\n]+))")
"""And the rest of its line, in which there may be another."""


def _words(line: str) -> list[str]:
    """The words of the command that a line of shell begins with; none where it goes on."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    try:
        return list(takewhile(lambda word: word[0] not in ";&|<>()", reader))
    except ValueError:
        return []


class Api:
    """An API server that keeps nodes and ConfigMaps, and does what kubectl says to them.

    Args:
        made: the cluster as its inventory was when it was made.
        kubelet: the configuration that all kubelets share.
        left: names of Secrets with tokens that a killed run left.
    """

    def __init__(
        self, made: Cluster, kubelet: Mapping[str, Any] | None = None, left: str = ""
    ) -> None:
        self.nodes: dict[str, dict[str, Any]] = {n["metadata"]["name"]: n for n in nodes_of(made)}
        shared = _config_map("kubelet-config", kubelet=yaml.safe_dump(kubelet or {"a": 1}))
        self.maps: dict[str, dict[str, Any]] = {"kubelet-config": shared}
        self.calls: list[list[str]] = []
        """What changes something, as words."""
        self._made = made
        self._left = left

    def __call__(self, _host: str, command: str) -> Output:
        """An answer of the first control plane."""
        if command == question(self._made.version):
            maps = self.maps.values()
            return Output(0, told(self._made, self.nodes.values(), maps=maps, left=self._left), "")
        for line in _KUBECTL.findall(command):
            self._do(_words(line))
        return Output(0, "", "")

    def _do(self, words: list[str]) -> None:
        """One call that may change something."""
        kept = [w for w in words if not w.startswith("--") and w not in ("-n", "kube-system")]
        match kept:
            case ["cordon" | "uncordon" as verb, name]:
                self.nodes[name]["spec"]["unschedulable"] = verb == "cordon"
            case ["annotate" | "label" as verb, "node", name, *pairs]:
                part = "labels" if verb == "label" else "annotations"
                _edit(self.nodes[name]["metadata"].setdefault(part, {}), pairs)
            case ["delete", "node", *names]:
                for name in names:
                    self.nodes.pop(name, None)
            case ["create", "configmap", name]:
                self.maps[name] = _config_map(name)
            case ["patch", "configmap", name, "-p", patch]:
                _merge(self.maps[name], json.loads(patch))
            case ["taint", "node", *_] | ["drain", *_]:
                pass
            case _:
                return
        self.calls.append(kept)


def _edit(found: dict[str, str], pairs: Iterable[str]) -> None:
    for pair in pairs:
        key, _, value = pair.partition("=")
        if "=" in pair:
            found[key] = value
        else:
            found.pop(key.removesuffix("-"), None)


def _merge(found: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """A JSON merge patch."""
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            _merge(found.setdefault(key, {}), value)
        else:
            found[key] = value
