"""What keeps an object from being ready, by its own status: pure decisions.

Sources: kstatus (sigs.k8s.io/cli-utils/pkg/kstatus) for what each kind's status means; the
Kubernetes API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kubeinstall.cluster.conditions import Json, condition, pending_pods
from kubeinstall.cluster.pending import Pending, Unready


def watched(document: Json) -> bool:
    """Whether an object's status says anything of it being ready."""
    service = document["kind"] == "Service"
    return document["kind"] in _KINDS and (not service or _balanced(document))


def unready(
    document: Json, pods: Sequence[Json] = (), absent: frozenset[str] = frozenset()
) -> Unready | None:
    """Why an object is not ready; None: it is.

    Args:
        pods: those of its namespace.
        absent: nodes on which no pod of a DaemonSet is waited for.
    """
    document = _without(absent, document, pods)
    metadata, status = document["metadata"], document.get("status") or {}
    kind, namespace, name = document["kind"], metadata.get("namespace", ""), metadata["name"]
    if metadata.get("deletionTimestamp"):
        return Unready(kind, namespace, name, "it is being deleted")
    judge = _KINDS.get(kind)
    if judge is None:
        return None
    if "observedGeneration" in status and status["observedGeneration"] < metadata["generation"]:
        return Unready(kind, namespace, name, "its controller has not processed it yet")
    reason, final = judge(document)
    if not reason:
        return None
    pod = _at_fault(document, pods)
    hopeless = pod is not None and pod.final
    return Unready(kind, namespace, name, reason, final or hopeless, pod)


def unmet(
    document: Json | None, kind: str, namespace: str, name: str, wanted: str
) -> Unready | None:
    """Why a condition is not True; None: it is.

    Args:
        document: None: there is no such object yet.
        kind, namespace, name: the object.
        wanted: the condition's type.
    """
    if document is None:
        return Unready(kind, namespace, name, "it does not exist yet")
    found = condition(document, wanted)
    if found.get("status") == "True":
        return None
    told = ": ".join(str(found[k]) for k in ("reason", "message") if found.get(k))
    why = f"{wanted} is {found.get('status', 'not told')}{told and f' ({told})'}"
    return Unready(kind, namespace, name, why)


Verdict = tuple[str, bool]
"""Why it is not ready (empty: it is), and whether waiting cannot change that."""
_READY: Verdict = ("", False)


def _wait(reason: str) -> Verdict:
    return reason, False


def _number(document: Json, name: str) -> int:
    return int((document.get("status") or {}).get(name) or 0)


def _deployment(document: Json) -> Verdict:
    wanted = int(document["spec"].get("replicas", 1))
    updated, every = _number(document, "updatedReplicas"), _number(document, "replicas")
    available = _number(document, "availableReplicas")
    if "status" not in document or "observedGeneration" not in document["status"]:
        return _wait("its controller has not processed it yet")
    if updated < wanted:
        failure = condition(document, "ReplicaFailure")
        told = f": {failure['message']}" if failure.get("status") == "True" else ""
        return _wait(f"{updated} of {wanted} pods are created{told}")
    if every > updated:
        return _wait(f"{every - updated} old pods still exist")
    if available < wanted:
        return _wait(f"{available} of {wanted} pods are available")
    return _READY


def _daemon_set(document: Json) -> Verdict:
    if "observedGeneration" not in (document.get("status") or {}):
        return _wait("its controller has not processed it yet")
    wanted = _number(document, "desiredNumberScheduled")
    updated = _number(document, "updatedNumberScheduled")
    rolling = (document["spec"].get("updateStrategy") or {}).get("type") != "OnDelete"
    available = _number(document, "numberAvailable")
    if rolling and updated < wanted:
        return _wait(f"{updated} of {wanted} pods are created")
    return _READY if available >= wanted else _wait(f"{available} of {wanted} pods are available")


def _stateful_set(document: Json) -> Verdict:
    spec, status = document["spec"], document.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    ready = _number(document, "readyReplicas")
    if "observedGeneration" not in status:
        return _wait("its controller has not processed it yet")
    if ready < wanted:
        return _wait(f"{ready} of {wanted} pods are ready")
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return _READY
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    updated = _number(document, "updatedReplicas")
    if partition:
        return _READY if updated >= wanted - partition else _wait("its pods are being updated")
    done = status.get("currentRevision") == status.get("updateRevision") or updated >= wanted
    return _READY if done else _wait(f"{updated} of {wanted} pods are updated")


def _replica_set(document: Json) -> Verdict:
    wanted = int(document["spec"].get("replicas", 1))
    available = _number(document, "availableReplicas")
    return _READY if available >= wanted else _wait(f"{available} of {wanted} pods are available")


def _job(document: Json) -> Verdict:
    failed = condition(document, "Failed")
    if failed.get("status") == "True":
        return f"it failed: {failed.get('reason', '')}: {failed.get('message', '')}", True
    done = condition(document, "Complete").get("status") == "True"
    suspended = document["spec"].get("suspend")
    return _READY if done or suspended else _wait("it is not complete")


def _pod(document: Json) -> Verdict:
    found = pending_pods([document])
    return _wait(found[0].why) if found else _READY


def _claim(document: Json) -> Verdict:
    phase = (document.get("status") or {}).get("phase", "Pending")
    return _READY if phase == "Bound" else _wait(f"it is {phase}: no volume is bound to it")


def _crd(document: Json) -> Verdict:
    names = condition(document, "NamesAccepted")
    if names.get("status") == "False":
        return f"its names are taken: {names.get('message', '')}", True
    done = condition(document, "Established").get("status") == "True"
    return _READY if done else _wait("it is not established yet")


def _api_service(document: Json) -> Verdict:
    found = condition(document, "Available")
    if found.get("status") == "True":
        return _READY
    return _wait(f"it is not available: {found.get('message', 'it has not been checked yet')}")


def _namespace(document: Json) -> Verdict:
    phase = (document.get("status") or {}).get("phase", "Active")
    return _READY if phase == "Active" else _wait(f"it is {phase}")


def _service(document: Json) -> Verdict:
    given = ((document.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    if not _balanced(document) or given:
        return _READY
    return _wait("no load balancer has given it an address")


def _balanced(document: Json) -> bool:
    return bool((document.get("spec") or {}).get("type") == "LoadBalancer")


_KINDS: Mapping[str, Callable[[Json], Verdict]] = {
    "APIService": _api_service,
    "CustomResourceDefinition": _crd,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "ReplicaSet": _replica_set,
    "Service": _service,
    "StatefulSet": _stateful_set,
}


def _without(absent: frozenset[str], document: Json, pods: Sequence[Json]) -> Json:
    """A DaemonSet as if it had no pods on nodes that are absent: those would stay unready."""
    if document["kind"] != "DaemonSet" or not absent:
        return document
    spared = sum(
        pod["spec"].get("nodeName") in absent and condition(pod, "Ready").get("status") != "True"
        for pod in _own(document, pods)
    )
    status = document.get("status") or {}
    wanted = _number(document, "desiredNumberScheduled") - spared
    return {**document, "status": {**status, "desiredNumberScheduled": wanted}}


def _own(document: Json, pods: Sequence[Json]) -> list[Json]:
    """The pods of a workload that are not leaving."""
    labels = ((document.get("spec") or {}).get("selector") or {}).get("matchLabels")
    if not isinstance(labels, dict):
        return []
    namespace = document["metadata"].get("namespace")
    return [
        pod
        for pod in pods
        if pod["metadata"].get("namespace") == namespace
        and labels.items() <= (pod["metadata"].get("labels") or {}).items()
        and not pod["metadata"].get("deletionTimestamp")
    ]


def _at_fault(document: Json, pods: Sequence[Json]) -> Pending | None:
    """The newest pod of a workload that is not ready: an older one may be of an older version."""
    mine = _own(document, pods)
    mine.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)
    found = pending_pods(mine)
    # One that tells why comes before one that has not begun.
    found.sort(key=lambda pod: not pod.begun)
    return found[0] if found else None
