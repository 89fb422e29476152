"""The cluster, asked on its first control plane."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from testinfra.host import Host

from kubeinstall.inventory.model import Cluster, NetworkPlugin
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect
from kubeinstall.verify.conditions import Json, pending_nodes, pending_pods, without_network
from kubeinstall.verify.kubectl import KUBECTL


def nodes_are_the_inventorys(host: Host, _node: Node, cluster: Cluster) -> None:
    """Every host of the inventory is a node."""
    found = {node["metadata"]["name"] for node in _get(host, "nodes")}
    missing = [h.hostname for h in cluster.hosts if h.hostname not in found]
    expect(not missing, f"no nodes: {', '.join(missing)}", "kubeinstall up")


def nodes_are_ready(host: Host, _node: Node, cluster: Cluster) -> None:
    """Every node is Ready."""
    nodes, _ = _expected(cluster, _get(host, "nodes"), [])
    wrong = pending_nodes(nodes, [node["metadata"]["name"] for node in nodes])
    expect(not wrong, "; ".join(map(str, wrong)), f"{KUBECTL} describe nodes")


def nodes_have_the_version(host: Host, _node: Node, cluster: Cluster) -> None:
    """Every node's kubelet has the inventory's version."""
    versions = {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"]
        for node in _get(host, "nodes")
    }
    wrong = [f"{name} has {v}" for name, v in versions.items() if v != f"v{cluster.version}"]
    expect(not wrong, f"{'; '.join(wrong)}; wanted v{cluster.version}", "kubeinstall up")


def system_pods_are_ready(host: Host, _node: Node, cluster: Cluster) -> None:
    """Every pod of kube-system is Ready."""
    now = float(host.check_output("date +%s"))
    _, pods = _expected(cluster, _get(host, "nodes"), _get(host, "pods -n kube-system"))
    wrong = pending_pods(pods, now)
    expect(not wrong, "; ".join(map(str, wrong)), f"{KUBECTL} -n kube-system get pods")


def _expected(
    cluster: Cluster, nodes: Sequence[Json], pods: Sequence[Json]
) -> tuple[list[Json], list[Json]]:
    """The nodes and pods that can be ready with what the inventory asks for."""
    if cluster.spec.network.plugin is NetworkPlugin.NONE:
        return without_network(nodes, pods)
    return list(nodes), list(pods)


def _get(host: Host, what: str) -> list[dict[str, Any]]:
    answer = host.run(f"{KUBECTL} get {what} -o json")
    expect(answer.rc == 0, " ".join(answer.stderr.split()), f"{KUBECTL} get {what}")
    items: list[dict[str, Any]] = json.loads(answer.stdout)["items"]
    return items


CHECKS = (
    nodes_are_the_inventorys,
    nodes_are_ready,
    nodes_have_the_version,
    system_pods_are_ready,
)
