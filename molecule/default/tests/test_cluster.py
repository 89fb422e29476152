"""The cluster, seen by Testinfra over ssh, and by kubeinstall's own checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from testinfra.host import Host

CLUSTER = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "cluster.yaml"
CHECKOUT = os.environ["MOLECULE_PROJECT_DIRECTORY"]


def test_the_kubelet_runs(host: Host) -> None:
    kubelet = host.service("kubelet")
    assert kubelet.is_running
    assert kubelet.is_enabled
    assert host.check_output("kubelet --version") == "Kubernetes v1.20.2"


def test_nodes_are_ready(host: Host) -> None:
    if not host.file("/etc/kubernetes/admin.conf").exists:
        assert host.check_output("hostname") == "w1"
        return
    nodes = json.loads(
        host.check_output("kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes -o json")
    )
    assert {
        node["metadata"]["name"]: [
            condition["status"]
            for condition in node["status"]["conditions"]
            if condition["type"] == "Ready"
        ]
        for node in nodes["items"]
    } == {"cp1": ["True"], "w1": ["True"]}


def test_kubeinstall_finds_nothing_wrong() -> None:
    argv = [sys.executable, "-m", "kubeinstall", "verify", "-i", str(CLUSTER)]
    ran = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
