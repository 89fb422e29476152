"""Labels and taints of a node as the inventory has them: pure decisions.

A ConfigMap in kube-system names those that are the inventory's. So what is taken out there goes
from the node, and what others have set stays. A kubelet may annotate its own node, so an annotation
there would let it shed a taint or a label that it may not touch itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kubeinstall.facts.values import document
from kubeinstall.inventory.model import Cluster, Host, NetworkPlugin

NOTES = "kubeinstall-nodes"
"""The ConfigMap that names them: a key for each node."""
OWNED = "kubeinstall.io/owned"
"""The annotation of the kubelets' ConfigMap with the fields that are ours."""

REFLECTOR = "projectcalico.org/RouteReflectorClusterID"
"""A label and an annotation of Calico's route reflectors."""


@dataclass(frozen=True)
class Call:
    """One kubectl.

    Args:
        args: its arguments.
        changes: what it changes of labels and taints, as a plan shows it, e.g. ``+label disk=ssd``.
    """

    args: tuple[str, ...]
    changes: tuple[str, ...] = ()


CREATE_NOTES = Call(("-n", "kube-system", "create", "configmap", NOTES))


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


def calls(cluster: Cluster, host: Host, node: Mapping[str, Any], said: str = "") -> list[Call]:
    """The kubectl calls that give a node the labels and taints of the inventory, in order.

    The note comes first and names old and new; a run that is cut off loses track of none.

    Args:
        node: as the cluster tells it.
        said: what is noted of it in the ConfigMap; empty: nothing.
    """
    name = host.hostname
    before, after = Owned.parse(said), _owned(cluster, host)
    found = node["metadata"].get("labels") or {}
    labels = [f"{k}={v}" for k, v in _labels(cluster, host).items() if found.get(k) != v]
    labels += [f"{k}-" for k in sorted(before.labels - after.labels) if k in found]
    taints = _taints(cluster, host, node, before)
    final = "" if after == Owned() else str(after)
    noted = said
    result: list[Call] = []
    if (labels or taints) and before != before | after:
        noted = str(before | after)
        result.append(_note(name, noted))
    if labels:
        result.append(_set("label", name, labels))
    if role := _reflecting(cluster, host, node, before):
        result.append(Call(("annotate", "--overwrite", "node", name, role)))
    if taints:
        result.append(_set("taint", name, taints))
    if noted != final:
        result.append(_note(name, final))
    return result


def _labels(cluster: Cluster, host: Host) -> dict[str, str]:
    """The host's labels, and a route reflector's, which Calico's peers are chosen by."""
    reflected = _cluster_id(cluster, host)
    return {**host.labels, **({REFLECTOR: reflected} if reflected else {})}


def _cluster_id(cluster: Cluster, host: Host) -> str:
    """The BGP cluster whose routes a host reflects; empty: none."""
    network = cluster.spec.network
    named = host.name in network.calico.route_reflectors
    if network.plugin is not NetworkPlugin.CALICO or not named:
        return ""
    return str(network.calico.route_reflector_cluster_id)


def _reflecting(cluster: Cluster, host: Host, node: Mapping[str, Any], before: Owned) -> str:
    """What ``kubectl annotate`` is told, so that Calico lets the node reflect routes or not.

    Source: Calico's "Configure BGP peering".
    """
    found = (node["metadata"].get("annotations") or {}).get(REFLECTOR, "")
    wanted = _cluster_id(cluster, host)
    if wanted:
        return "" if found == wanted else f"{REFLECTOR}={wanted}"
    return f"{REFLECTOR}-" if found and REFLECTOR in before.labels else ""


def _owned(cluster: Cluster, host: Host) -> Owned:
    taints = None if host.taints is None else frozenset(f"{t.key}:{t.effect}" for t in host.taints)
    return Owned(frozenset(_labels(cluster, host)), taints)


def _set(kind: Literal["label", "taint"], name: str, words: Sequence[str]) -> Call:
    """Labels or taints, as kubectl has them: one that ends with ``-`` goes."""
    shown = (f"-{kind} {w[:-1]}" if w.endswith("-") else f"+{kind} {w}" for w in words)
    return Call((kind, "--overwrite", "node", name, *words), tuple(shown))


def _note(name: str, text: str) -> Call:
    patch = json.dumps({"data": {name: text or None}})
    return Call(("-n", "kube-system", "patch", "configmap", NOTES, "--type=merge", "-p", patch))


def _taints(cluster: Cluster, host: Host, node: Mapping[str, Any], before: Owned) -> list[str]:
    """What ``kubectl taint`` is told; kubeadm's own taints are as kubeadm would set them."""
    found = {
        f"{taint['key']}:{taint['effect']}": taint.get("value", "")
        for taint in node.get("spec", {}).get("taints") or ()
    }
    keys = cluster.release.control_plane_taints if host.is_control_plane else ()
    kubeadms = {f"{key}:NoSchedule": "" for key in keys}
    if host.taints is not None:
        wanted = {f"{taint.key}:{taint.effect}": taint.value for taint in host.taints}
        ours = (before.taints or frozenset()) | kubeadms.keys()
    elif before.taints is not None:
        wanted, ours = kubeadms, before.taints
    else:
        return []
    new = [_taint(key, value) for key, value in wanted.items() if found.get(key) != value]
    return [*new, *(f"{key}-" for key in sorted(ours - wanted.keys()) if key in found)]


def _taint(key: str, value: str) -> str:
    name, _, effect = key.rpartition(":")
    return f"{name}={value}:{effect}"
