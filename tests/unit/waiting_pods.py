"""Pods that wait for something, as the API server tells of them."""

from __future__ import annotations

from typing import Any


def pod(
    name: str, reason: str, message: str = "", created: str = "", app: str = "web"
) -> dict[str, Any]:
    """A pod of namespace ``shop`` whose container waits.

    Args:
        created: its creation's time.
        app: its label ``app``.
    """
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"app": app},
            "creationTimestamp": created,
        },
        "spec": {"nodeName": "w1"},
        "status": {
            "phase": "Pending",
            "containerStatuses": [{"name": "main", "state": state}],
        },
    }
