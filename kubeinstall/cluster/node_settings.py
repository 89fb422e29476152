"""Labels and taints of a node as the inventory has them: pure decisions.

A ConfigMap in kube-system names those that are the inventory's. So what is taken out there goes
from the node, and what others have set stays. A kubelet may annotate its own node, so an annotation
there would let it shed a taint or a label that it may not touch itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kubeinstall.cluster.node import Node
from kubeinstall.facts.values import document
from kubeinstall.inventory.model import Cluster, Host, NetworkPlugin
from kubeinstall.operations.nodes import Label, NodeChanges, Taint

REFLECTOR = "projectcalico.org/RouteReflectorClusterID"
"""A label and an annotation of Calico's route reflectors."""


@dataclass(frozen=True)
class Owned:
    """What is the inventory's.

    Args:
        labels: keys.
        taints: ``key:effect``; None: kubeadm's own taints are left alone.
    """

    labels: frozenset[str] = frozenset()
    taints: frozenset[str] | None = None

    @classmethod
    def parse(cls, text: str | None) -> Owned:
        """Read what is noted of a node; what is no note counts as nothing."""
        try:
            found = document(text or "{}")
            taints = found.get("taints")
            labels = frozenset(map(str, found.get("labels") or ()))
            return cls(labels, None if taints is None else frozenset(map(str, taints)))
        except (ValueError, AttributeError, TypeError):
            return cls()

    def __str__(self) -> str:
        document: dict[str, Any] = {"labels": sorted(self.labels)}
        if self.taints is not None:
            document["taints"] = sorted(self.taints)
        return json.dumps(document)

    def __or__(self, other: Owned) -> Owned:
        known = [owned.taints for owned in (self, other) if owned.taints is not None]
        taints = frozenset().union(*known) if known else None
        return Owned(self.labels | other.labels, taints)


def changes(cluster: Cluster, host: Host, node: Node, noted: str = "") -> NodeChanges:
    """What gives a node the labels and taints of the inventory.

    The note comes first and names old and new; a run that is cut off loses track of none.

    Args:
        node: as the cluster reports it.
        noted: what is noted of it in the ConfigMap; empty: nothing.
    """
    before, after = Owned.parse(noted), _owned(cluster, host)
    labels = _label_changes(cluster, host, node, before)
    taints = _taint_changes(cluster, host, node, before)
    first = None
    if (labels or taints) and before != before | after:
        first = str(before | after)
    last = "" if after == Owned() else str(after)
    return NodeChanges(
        host.hostname,
        noted_first=first,
        labels=labels,
        annotations=_reflecting(cluster, host, node, before),
        taints=taints,
        noted_last=None if last == (noted if first is None else first) else last,
    )


def _labels(cluster: Cluster, host: Host) -> dict[str, str]:
    """The host's labels, and a route reflector's, which Calico's peers are chosen by."""
    reflected = _cluster_id(cluster, host)
    return {**host.labels, **({REFLECTOR: reflected} if reflected else {})}


def _label_changes(cluster: Cluster, host: Host, node: Node, before: Owned) -> tuple[Label, ...]:
    found, wanted = node.labels, _labels(cluster, host)
    new = [Label(key, value) for key, value in wanted.items() if found.get(key) != value]
    gone = [Label(key, None) for key in sorted(before.labels - wanted.keys()) if key in found]
    return (*new, *gone)


def _cluster_id(cluster: Cluster, host: Host) -> str:
    """The BGP cluster whose routes a host reflects; empty: none."""
    network = cluster.spec.network
    named = host.name in network.calico.route_reflectors
    if network.plugin is not NetworkPlugin.CALICO or not named:
        return ""
    return str(network.calico.route_reflector_cluster_id)


def _reflecting(cluster: Cluster, host: Host, node: Node, before: Owned) -> tuple[Label, ...]:
    """The annotation by which Calico lets the node reflect routes or not, if it changes.

    Source: Calico's "Configure BGP peering".
    """
    found = node.annotations.get(REFLECTOR, "")
    wanted = _cluster_id(cluster, host)
    if wanted:
        return () if found == wanted else (Label(REFLECTOR, wanted),)
    return (Label(REFLECTOR, None),) if found and REFLECTOR in before.labels else ()


def _owned(cluster: Cluster, host: Host) -> Owned:
    taints = None if host.taints is None else frozenset(f"{t.key}:{t.effect}" for t in host.taints)
    return Owned(frozenset(_labels(cluster, host)), taints)


def _taint_changes(cluster: Cluster, host: Host, node: Node, before: Owned) -> tuple[Taint, ...]:
    """The taints that change; kubeadm's own are as kubeadm would set them."""
    found = {f"{taint.key}:{taint.effect}": taint.value for taint in node.taints}
    keys = cluster.release.control_plane_taints if host.is_control_plane else ()
    kubeadms = {f"{key}:NoSchedule": "" for key in keys}
    if host.taints is not None:
        wanted = {f"{taint.key}:{taint.effect}": taint.value for taint in host.taints}
        ours = (before.taints or frozenset()) | kubeadms.keys()
    elif before.taints is not None:
        wanted, ours = kubeadms, before.taints
    else:
        return ()
    new = [_taint(key, value) for key, value in wanted.items() if found.get(key) != value]
    return (*new, *(_taint(key, None) for key in sorted(ours - wanted.keys()) if key in found))


def _taint(named: str, value: str | None) -> Taint:
    key, _, effect = named.rpartition(":")
    return Taint(key, effect, value)
