"""Nodes and pods as a cluster reports them, for tests of what is waited for."""

from __future__ import annotations

import json
from typing import Any

from kubeinstall.engine.types import Output


def node(name: str, status: str = "True", message: str = "", **spec: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "message": message}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": spec,
        "status": {"conditions": [condition]},
    }


def pod(name: str, ready_: str = "False", **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready_}, *status.pop("conditions", [])]
    return {
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"nodeName": "w1"},
        "status": {"phase": "Running", "conditions": conditions, **status},
    }


def waiting(reason: str, message: str = "", last: dict[str, Any] | None = None) -> dict[str, Any]:
    state: dict[str, Any] = {"waiting": {"reason": reason, "message": message}}
    return {"name": "main", "state": state, "lastState": {"terminated": last} if last else {}}


def static(started: str, **state: Any) -> dict[str, Any]:
    running = state or {"running": {"startedAt": started}}
    made = pod("etcd", containerStatuses=[{"name": "etcd", "state": running}])
    made["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "abc"}
    return made


STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def answering(
    nodes: list[dict[str, Any]], pods: list[dict[str, Any]], static: tuple[str, ...] = STATIC
) -> Output:
    """A cluster of these nodes and pods, and the control plane's static ones."""
    pods = [*pods, *(pod(f"{name}-cp1", "True") for name in static)]
    items = [*({**n, "kind": "Node"} for n in nodes), *({**p, "kind": "Pod"} for p in pods)]
    text = f"{json.dumps({'items': items})}\0361000\n"
    return Output(0, text, "")


def of_node(name: str, where: str, ready_: str = "True", **labels: str) -> dict[str, Any]:
    """A pod bound to a node."""
    made = pod(name, ready_)
    made["spec"]["nodeName"] = where
    made["metadata"]["labels"] = {key.replace("_", "-"): value for key, value in labels.items()}
    return made


def pressed(name: str, kind: str, message: str = "") -> dict[str, Any]:
    made = node(name)
    made["status"]["conditions"].append({"type": kind, "status": "True", "message": message})
    return made
