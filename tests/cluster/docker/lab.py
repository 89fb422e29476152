"""The lab of one control plane and two workers with docker, and what is asked of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.running import INVENTORIES, events, on_host

LAB = INVENTORIES / "lab.yaml"
HOSTS = ("cp1", "w1", "w2")
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


def nodes() -> dict[str, bool]:
    """Node name to whether it is Ready, as the API server says."""
    answer = on_host(LAB, "cp1", f"{KUBECTL} get nodes -o json")
    return {
        node["metadata"]["name"]: any(
            c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"]
        )
        for node in json.loads(answer)["items"]
    }


def changed_hosts(path: Path) -> set[str]:
    return {event["host"] for event in events(path) if event.get("changed")}


def written(document: Any, tmp_path: Path) -> Path:
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(document))
    return path
