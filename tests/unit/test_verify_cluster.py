"""The checks of the cluster's state, over an API server that answers what a test says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinstall.verify.check import Check
from kubeinstall.verify.checks import (
    cluster_state,
)
from tests.unit.checked import Answers, always, ended

pytestmark = pytest.mark.unit


def test_nodes() -> None:
    def items(*names: str, status: str = "True") -> Answers:
        made = [
            {
                "metadata": {"name": name},
                "status": {
                    "conditions": [{"type": "Ready", "status": status, "message": "asleep"}],
                    "nodeInfo": {"kubeletVersion": "v1.36.2"},
                },
            }
            for name in names
        ]
        return always(json.dumps({"items": [{**node, "kind": "Node"} for node in made]}))

    every = items("cp1", "w1", "w2")
    assert ended(cluster_state.nodes_are_the_inventorys, every) == ""
    assert ended(cluster_state.nodes_are_the_inventorys, items("cp1")) == "no nodes: w1, w2"
    assert ended(cluster_state.nodes_are_ready, every) == ""
    assert ended(cluster_state.nodes_are_ready, items("w1", status="Unknown")) == "node w1: asleep"
    assert ended(cluster_state.nodes_have_the_version, every) == ""
    assert "expected v1.36.1" in ended(
        cluster_state.nodes_have_the_version, every, version="1.36.1"
    )


def clusters(
    nodes: list[dict[str, Any]], workloads: list[dict[str, Any]], check: Check, **spec: Any
) -> str:
    """Why a check of the cluster's state failed."""

    def answers(command: str) -> tuple[int, str]:
        assert " get nodes,pods,daemonsets,deployments " in command
        items = [*({**node, "kind": "Node"} for node in nodes), *workloads]
        return 0, json.dumps({"items": items})

    return ended(check, answers, **spec)


def ready_node(name: str, *conditions: str, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": spec,
        "status": {"conditions": [{"type": c, "status": "True"} for c in ("Ready", *conditions)]},
    }


def workload(kind: str, name: str, available: int = 2) -> dict[str, Any]:
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": available,
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": available,
    }
    return {
        "kind": kind,
        "metadata": {"namespace": "kube-system", "name": name, "generation": 1},
        "spec": {"replicas": 2},
        "status": status,
    }


PROXY, DNS = workload("DaemonSet", "kube-proxy"), workload("Deployment", "coredns")


@pytest.mark.parametrize(
    ("workloads", "skipped", "why"),
    [
        ([PROXY, DNS], [], ""),
        ([DNS], [], "there is no DaemonSet kube-proxy in kube-system"),
        ([PROXY], [], "there is no Deployment coredns in kube-system"),
        ([PROXY], ["addon/coredns"], ""),
        ([DNS], ["addon/kube-proxy"], ""),
        ([], ["addon"], ""),
        ([PROXY, workload("Deployment", "coredns", 1)], [], "1 of 2 pods are available"),
        ([workload("DaemonSet", "kube-proxy", 0), DNS], [], "0 of 2 pods are available"),
    ],
)
def test_the_clusters_own_workloads_must_be_there(
    workloads: list[dict[str, Any]], skipped: list[str], why: str
) -> None:
    found = clusters(
        [ready_node("w1")],
        workloads,
        cluster_state.own_workloads_are_there,
        kubeadm={"skip_phases": skipped},
    )
    assert why in found
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([ready_node("w1")], ""),
        ([ready_node("w1"), ready_node("w2", "DiskPressure")], "node w2: it reports DiskPressure"),
        ([ready_node("w1", unschedulable=True)], "no node accepts pods: w1: cordoned"),
        ([ready_node("w1"), ready_node("w2", unschedulable=True)], ""),
        ([], "no node accepts pods"),
    ],
)
def test_some_node_must_take_pods_and_none_be_short(nodes: list[dict[str, Any]], why: str) -> None:
    found = clusters(nodes, [], cluster_state.nodes_take_pods)
    assert why in found
    assert bool(found) == bool(why)
