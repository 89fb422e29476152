"""What keeps a cluster from being ready, read from its nodes and pods: pure decisions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kubeinstall.cluster.node import Node
from kubeinstall.cluster.pending import Pending, hopeless
from kubeinstall.facts.control_plane import STATIC_PODS, ours
from kubeinstall.inventory.model import Cluster, NetworkPlugin

Json = Mapping[str, Any]

_STEADY = 15.0
"""Seconds that a container has to run before it counts as one that stays up."""
_RPC = re.compile(r"rpc error: code = \w+ desc = (Error response from daemon: )?")
_PRESSURES = ("DiskPressure", "MemoryPressure", "PIDPressure")
# A node that is Ready may have it for a moment longer; the scheduler waits for that.
_NOT_READY = "node.kubernetes.io/not-ready"
_NOT_YET = ("ContainerCreating", "PodInitializing", "")


def pending_nodes(
    nodes: Iterable[Node], wanted: Iterable[str], *, networked: bool = True
) -> list[Pending]:
    """Wanted nodes that are missing or not Ready.

    Args:
        networked: False: a node may lack its pod network.
    """
    known = {node.name: node for node in nodes}
    found = []
    for name in wanted:
        if name not in known:
            found.append(Pending("Node", name, message="it has not joined", node=name))
            continue
        ready = known[name].condition("Ready")
        if not ready.holds and (networked or not lacks_network(known[name])):
            reason = ready.message or ready.reason or "its kubelet has not reported"
            found.append(Pending("Node", name, message=reason, node=name))
    return found


def pressed_nodes(nodes: Iterable[Node]) -> list[Pending]:
    """Nodes whose kubelet is short of something, evicts pods for it and takes no new ones.

    Source: kubernetes.io, concepts/scheduling-eviction/node-pressure-eviction ("Node conditions").
    """
    return [
        Pending("Node", name, message=f"it reports {kind}{said and f': {said}'}", node=name)
        for node in nodes
        for kind in _PRESSURES
        if node.condition(kind).holds
        for name, said in [(node.name, node.condition(kind).message)]
    ]


def schedulable(nodes: Iterable[Node], tolerated: Sequence[str] = ()) -> list[str]:
    """The host names of nodes that take a pod.

    Args:
        tolerated: keys of taints that it tolerates.
    """
    return [node.hostname for node in nodes if node.hostname and not barred(node, tolerated)]


def barred(node: Node, tolerated: Sequence[str] = ()) -> str:
    """Why a node takes no pods; empty: it does.

    Args:
        tolerated: keys of taints that the pods tolerate.
    """
    ready = node.condition("Ready")
    if not ready.holds:
        return f"not Ready ({ready.message or ready.reason or 'no report'})"
    if pressed := pressed_nodes([node]):
        return pressed[0].why
    if node.unschedulable:
        return "cordoned"
    taints = [
        f"{taint.key}:{taint.effect}"
        for taint in node.taints
        if taint.effect in ("NoSchedule", "NoExecute") and taint.key not in (*tolerated, _NOT_READY)
    ]
    return f"tainted with {', '.join(taints)}" if taints else ""


def pending_pods(
    pods: Sequence[Json], now: float = 0.0, *, networked: bool = True
) -> list[Pending]:
    """Pods that are neither done nor Ready, each with its own reason.

    Args:
        now: the control plane's clock, seconds since 1970; 0: not known.
        networked: False: pods that need a pod network are passed over.
    """
    found = []
    for pod in pods:
        status, metadata = pod.get("status", {}), pod["metadata"]
        done = status.get("phase") == "Succeeded"
        if done or condition(pod, "Ready").get("status") == "True" or _steady(pod, now):
            continue
        if not networked and not pod["spec"].get("hostNetwork"):
            continue
        this = Pending(
            "Pod",
            metadata["name"],
            namespace=metadata["namespace"],
            node=pod["spec"].get("nodeName", ""),
        )
        found.append(_told(this, pod))
    return found


def missing_static_pods(pods: Iterable[Json], wanted: Iterable[str]) -> list[Pending]:
    """Static pods of the control plane that the cluster does not have: their manifests are gone.

    Args:
        wanted: their names in kube-system, e.g. ``etcd-cp1``.
    """
    there = {pod["metadata"]["name"] for pod in pods}
    why = "it does not exist: its manifest in /etc/kubernetes/manifests is missing or invalid"
    return [
        Pending("Pod", name, message=why, namespace="kube-system")
        for name in wanted
        if name not in there
    ]


def static_pods(cluster: Cluster) -> list[str]:
    """The names of the control planes' static pods."""
    parts = ours(STATIC_PODS, cluster.spec.kubeadm.skip_phases)
    return [f"{STATIC_PODS[p]}-{h.hostname}" for h in cluster.control_planes for p in parts]


def without_pods_of(workloads: Iterable[Json], pods: Iterable[Json]) -> list[Json]:
    """The pods that none of these Deployments, DaemonSets and the like has made."""
    makers = {
        (w["kind"], w["metadata"].get("namespace", ""), w["metadata"]["name"]) for w in workloads
    }
    return [pod for pod in pods if _maker(pod) not in makers]


def _maker(pod: Json) -> tuple[str, str, str]:
    """Kind, namespace and name of what a pod was made by; of its Deployment, if it has one."""
    metadata = pod["metadata"]
    owners = [o for o in metadata.get("ownerReferences", []) if o.get("controller")]
    kind, name = (owners[0]["kind"], owners[0]["name"]) if owners else ("", "")
    if kind == "ReplicaSet":
        kind, name = "Deployment", name.rpartition("-")[0]
    return kind, metadata.get("namespace", ""), name


def of_hosts(cluster: Cluster, nodes: Iterable[Node]) -> list[Node]:
    """The nodes that the inventory has a host for."""
    names = {host.hostname for host in cluster.hosts}
    return [node for node in nodes if node.name in names]


def lacks_network(node: Node) -> bool:
    """Whether a node is not Ready for want of a pod network alone."""
    ready = node.condition("Ready")
    said = ready.message.lower()
    return ready.status == "False" and ("network plugin" in said or "cni" in said)


def has_network(cluster: Cluster, nodes: Iterable[Node]) -> bool:
    """Whether pods can be waited for: not while the cluster's users have yet to bring a network."""
    own = cluster.spec.network.plugin is not NetworkPlugin.NONE
    return own or not any(map(lacks_network, nodes))


def _steady(pod: Json, now: float) -> bool:
    """Whether a static pod's containers have run for a while.

    Kubelets before 1.22 tell a static pod's readiness up to a minute and a half late.
    """
    if "kubernetes.io/config.mirror" not in (pod["metadata"].get("annotations") or {}):
        return False
    containers: Sequence[Json] = pod.get("status", {}).get("containerStatuses") or []
    starts = [(c.get("state", {}).get("running") or {}).get("startedAt") for c in containers]
    return bool(starts) and all(
        start and now - datetime.fromisoformat(start).timestamp() >= _STEADY for start in starts
    )


def condition(thing: Json, kind: str) -> Json:
    """An object's condition of that kind; empty if it has none."""
    conditions: Sequence[Json] = thing.get("status", {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == kind), {})


def _told(this: Pending, pod: Json) -> Pending:
    """A pod with its reason, and the container whose log may tell more."""
    status = pod.get("status", {})
    for container in [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]:
        state = container.get("state", {})
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if (reason := waiting.get("reason", "")) not in _NOT_YET:
            last = (container.get("lastState") or {}).get("terminated") or {}
            words = [last.get("message") or waiting.get("message", "")]
            if last:
                words.append(f"(it exited with code {last.get('exitCode')})")
            return replace(
                this,
                reason=reason,
                message=(message := _join(words)),
                container=container["name"] if last else "",
                final=hopeless(reason, message),
            )
        if ended and ended.get("exitCode"):
            return replace(
                this,
                reason=ended.get("reason", "Error"),
                message=_join([ended.get("message", ""), f"(code {ended['exitCode']})"]),
                container=container["name"],
            )
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        message = _join([scheduled.get("message", "")])
        return replace(this, reason=scheduled.get("reason", ""), message=message)
    if status.get("phase") == "Pending":
        return replace(this, message="its containers are being created", begun=False)
    return replace(this, message="it is running, but not ready yet")


def _join(words: Iterable[str]) -> str:
    said = ": ".join(" ".join(word.split()) for word in words if word)
    return _RPC.sub("", said)
