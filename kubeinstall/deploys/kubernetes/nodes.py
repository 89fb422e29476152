"""What the cluster is told of its nodes; runs on the first control plane."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

import yaml
from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.cluster.node_settings import OWNED, Call
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.inventory.model import Cluster, Document
from kubeinstall.operations.nodes import told


@dataclass(frozen=True)
class Kubelets:
    """The configuration that all kubelets of a cluster start from.

    Args:
        config: as it shall be.
        calls: the arguments of each kubectl that makes it so.
        diff: what changes, as a unified diff.
    """

    config: Document
    calls: Sequence[Sequence[str]] = ()
    diff: str = ""

    @classmethod
    def of(cls, cluster: Cluster, config_map: Document) -> Kubelets | None:
        """What is to be done with the ConfigMap; None: there is none."""
        text = (config_map.get("data") or {}).get("kubelet", "")
        found = kubelet_files.document(text)
        if not found:
            return None
        metadata = config_map["metadata"]
        said = (metadata.get("annotations") or {}).get(OWNED)
        ours = yaml.safe_load(yaml.safe_dump(kubelet_files.cluster_settings(cluster)))
        last = kubelet_files.document(said) if said else None
        wanted = kubelet_files.cluster_configuration(found, ours, last)
        if wanted == found and last == ours:
            return cls(found)
        new = text if wanted == found else kubelet_files.dumped(wanted)
        patch = {
            "metadata": {"annotations": {OWNED: json.dumps(ours)}},
            "data": {"kubelet": new},
        }
        name = metadata["name"]
        before, after = kubelet_files.shown(found), kubelet_files.shown(wanted)
        lines = unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
        call = ("-n", "kube-system", "patch", "configmap", name, "--type=merge", "-p")
        return cls(wanted, ((*call, json.dumps(patch)),), "\n".join(lines))


@deploy("kubelets of the cluster")
def kubelets() -> None:
    """The configuration that all kubelets share.

    In memory: ``kubelets``, or None where there is no cluster.
    """
    shared: Kubelets | None = host.data.get("kubelets")
    if shared:
        title = "Keep the configuration that all kubelets share"
        told(calls=shared.calls, diff=shared.diff, name=title)


@deploy("labels and taints")
def settle() -> None:
    """Labels and taints of nodes, and no node cordoned any longer that we have cordoned.

    The kubelet may not set all of them itself (those below node-role.kubernetes.io), so the
    cluster's admin does.

    In memory: ``node_calls`` and ``uncordon_calls``, by node what kubectl is told.
    """
    of_nodes: dict[str, Sequence[Call]] = host.data.get("node_calls") or {}
    for node, calls in of_nodes.items():
        diff = "\n".join(change for call in calls for change in call.changes)
        told(
            calls=[call.args for call in calls], diff=diff, name=f"Set labels and taints of {node}"
        )
    left: dict[str, Any] = host.data.get("uncordon_calls") or {}
    for node, arguments in left.items():
        told(calls=arguments, name=f"Uncordon {node}")
