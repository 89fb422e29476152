"""Settings of nodes that are kept in the cluster; runs on a control plane."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff

import yaml
from pyinfra.api.deploy import deploy

from kubeinstall.deploys.inputs import Inputs
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.files.kubelet import OWNED, SharedConfig
from kubeinstall.inventory.model import Cluster, Document
from kubeinstall.operations.nodes import (
    NodeChanges,
    configmap_patched,
    node_settings,
    uncordoned,
)


@dataclass(frozen=True)
class Kubelets:
    """The configuration that all kubelets of a cluster start from.

    Args:
        configmap: the ConfigMap that holds it.
        config: as it should be.
        patch: of the ConfigMap, which makes it so; None: it is so.
        diff: what changes, as a unified diff.
    """

    configmap: str
    config: Document
    patch: Document | None = None
    diff: str = ""

    @classmethod
    def of(cls, cluster: Cluster, shared: SharedConfig | None) -> Kubelets | None:
        """What is to be done with the ConfigMap; None: there is none."""
        found = kubelet_files.document(shared.text) if shared else {}
        if not shared or not found:
            return None
        ours = yaml.safe_load(yaml.safe_dump(kubelet_files.cluster_settings(cluster)))
        last = kubelet_files.document(shared.owned) if shared.owned else None
        wanted = kubelet_files.cluster_configuration(found, ours, last)
        if wanted == found and last == ours:
            return cls(shared.name, found)
        new = shared.text if wanted == found else kubelet_files.dumped(wanted)
        patch = {
            "metadata": {"annotations": {OWNED: json.dumps(ours)}},
            "data": {"kubelet": new},
        }
        name = shared.name
        before, after = kubelet_files.shown(found), kubelet_files.shown(wanted)
        lines = unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
        return cls(name, wanted, patch, "\n".join(lines))


@dataclass(frozen=True)
class KubeletsInputs(Inputs):
    """The inputs of ``kubelets``.

    Args:
        shared: None: there is no cluster.
    """

    shared: Kubelets | None = None


@dataclass(frozen=True)
class LabelInputs(Inputs):
    """The inputs of ``label``.

    Args:
        changes: of labels and taints.
        cordoned: nodes that we have cordoned.
    """

    changes: Sequence[NodeChanges] = ()
    cordoned: Sequence[str] = ()


@deploy("kubelets of the cluster")
def kubelets(inputs: KubeletsInputs | None = None) -> None:
    """The configuration that all kubelets share."""
    inputs = inputs or KubeletsInputs.plain()
    if shared := inputs.shared:
        title = "Apply the configuration shared by all kubelets"
        configmap_patched(
            configmap=shared.configmap, patch=shared.patch, diff=shared.diff, name=title
        )


@deploy("labels and taints")
def label(inputs: LabelInputs | None = None) -> None:
    """Labels and taints of nodes, and no node cordoned any longer that we have cordoned.

    The kubelet may not set all of them itself (those below node-role.kubernetes.io), so the
    cluster's admin does.
    """
    inputs = inputs or LabelInputs.plain()
    for changes in inputs.changes:
        node_settings(changes=changes, name=f"Set labels and taints of {changes.node}")
    for node in inputs.cordoned:
        uncordoned(node=node, name=f"Uncordon {node}")
