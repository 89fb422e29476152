"""The control plane as the inventory has it, for what compares it with the one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from kubeinstall.files import kubeadm, kubelet
from kubeinstall.inventory.model import Cluster, Document
from kubeinstall.operations.control_plane_decision import Wanted, digest

_FOLDER_CHECKS = {"all", "diravailable--var-lib-etcd"}


def question(cluster: Cluster) -> Mapping[str, Any]:
    """The arguments of the fact ``ControlPlane`` on the first control plane."""
    return {
        "config": kubeadm.CONFIG,
        "node": cluster.first.hostname,
        "kubelet_config": kubelet.config_map(cluster.version),
        "skip_phases": tuple(cluster.spec.kubeadm.skip_phases),
    }


def wanted(cluster: Cluster, in_use: str | None) -> Wanted:
    """The control plane of the inventory.

    Args:
        in_use: kubeadm's documents as the cluster was made with; None: not known.
    """
    spec = cluster.spec.kubeadm
    ignored = {name.lower() for name in spec.ignore_preflight_errors}
    return Wanted(
        cluster=cluster.spec.name,
        config_sha256=digest(kubeadm.init_config(cluster)),
        node_ip=cluster.first.node_ip,
        skip_phases=tuple(spec.skip_phases),
        config_known=in_use is not None,
        takes_files=bool(ignored & _FOLDER_CHECKS) or "preflight" in spec.skip_phases,
    )


def documents_in_use(cluster: Cluster, live: str, noted: str) -> str | None:
    """kubeadm's documents for single phases on a cluster that is there, as YAML.

    What the cluster was made with is the cluster's own word, or what kubeinstall noted on the
    host; how its node is registered is the inventory's.

    Args:
        live: the ClusterConfiguration that the cluster has; empty: it does not answer.
        noted: the documents that init was given.

    Returns:
        None: nobody knows what the cluster was made with.
    """
    notes = {str(each.get("kind")): each for each in kubelet.documents(noted)}
    theirs = kubelet.document(live) or notes.get("ClusterConfiguration")
    if not theirs:
        return None
    init: Document = kubeadm.init_configuration(cluster)
    endpoint = notes.get("InitConfiguration", {}).get("localAPIEndpoint")
    if isinstance(endpoint, dict):
        init["localAPIEndpoint"] = endpoint
    every = (
        init,
        theirs,
        notes.get("KubeletConfiguration") or kubeadm.kubelet_configuration(cluster),
        notes.get("KubeProxyConfiguration") or kubeadm.kube_proxy_configuration(cluster),
    )
    return yaml.safe_dump_all(every, sort_keys=False)
