"""A cluster that is played: what its control plane answers to the question about its nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
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
    maps: Iterable[str] = (),
) -> str:
    """What the control plane of a cluster answers.

    Args:
        made: the cluster as its inventory was when it was made.
        nodes: default: one for each host.
        version: of the API server; default: the inventory's.
        configuration: more of its ClusterConfiguration.
        proxy: more of its KubeProxyConfiguration.
        maps: names of further ConfigMaps.
    """
    noted = {**kubeadm_files.cluster_configuration(made), **(configuration or {})}
    proxies = {**kubeadm_files.kube_proxy_configuration(made), **(proxy or {})}
    found = [
        _config_map("kubeadm-config", ClusterConfiguration=yaml.safe_dump(noted)),
        _config_map("kube-proxy", **{"config.conf": yaml.safe_dump(proxies)}),
        *map(_config_map, maps),
    ]
    parts = (
        json.dumps({"items": list(nodes_of(made) if nodes is None else nodes)}),
        certificate().public_bytes(Encoding.PEM).decode(),
        json.dumps({"items": found}),
        json.dumps({"gitVersion": f"v{version or made.version}"}),
        CNI[made.spec.network.plugin],
        str(made.spec.network.calico.block_size)
        if made.spec.network.plugin is NetworkPlugin.CALICO
        else "",
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
