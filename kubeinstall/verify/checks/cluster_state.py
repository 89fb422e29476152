"""The cluster, asked on a control plane that answers."""

from __future__ import annotations

from typing import Any

from testinfra.host import Host

from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.cluster.conditions import (
    barred,
    has_network,
    missing_static_pods,
    of_hosts,
    pending_nodes,
    pending_pods,
    pressed_nodes,
    schedulable,
    static_pods,
)
from kubeinstall.cluster.node import Node, parsed
from kubeinstall.cluster.readiness import unready
from kubeinstall.facts.values import listed, seconds
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Machine
from kubeinstall.verify.check import expect, up


def nodes_are_the_inventorys(host: Host, _machine: Machine, cluster: Cluster) -> None:
    """Every host in the inventory is a node."""
    found = {node.name for node in _nodes(host)}
    missing = [h.hostname for h in cluster.hosts if h.hostname not in found]
    expect(not missing, f"no nodes: {', '.join(missing)}", up())


def nodes_are_ready(host: Host, _machine: Machine, cluster: Cluster) -> None:
    """Every host's node is Ready."""
    nodes = of_hosts(cluster, _nodes(host))
    wrong = pending_nodes(
        nodes, [node.name for node in nodes], networked=has_network(cluster, nodes)
    )
    expect(not wrong, "; ".join(map(str, wrong)), f"{KUBECTL} describe nodes")


def nodes_have_the_version(host: Host, _machine: Machine, cluster: Cluster) -> None:
    """The kubelet on every host has the inventory's version."""
    nodes = of_hosts(cluster, _nodes(host))
    found = {node.name: node.version for node in nodes if node.version != cluster.version}
    wrong = [f"{name} has {f'v{v}' if v else 'an unknown version'}" for name, v in found.items()]
    expect(not wrong, f"{'; '.join(wrong)}; expected v{cluster.version}", up())


def nodes_take_pods(host: Host, _machine: Machine, cluster: Cluster) -> None:
    """No host's node is under disk, memory or PID pressure, and at least one accepts pods."""
    nodes = of_hosts(cluster, _nodes(host))
    pressed = "; ".join(map(str, pressed_nodes(nodes)))
    expect(not pressed, pressed, "on that node: df -h; df -i; free -m")
    tolerated = cluster.release.control_plane_taints
    why = [f"{node.name}: {barred(node, tolerated)}" for node in nodes]
    free = schedulable(nodes, tolerated)
    expect(free, f"no node accepts pods: {'; '.join(why)}", f"{KUBECTL} describe nodes")


def own_workloads_are_there(host: Host, _machine: Machine, cluster: Cluster) -> None:
    """The workloads that kubeadm installs exist, and all their pods are available."""
    kubeadm = cluster.spec.kubeadm
    wanted = [("DaemonSet", "kube-proxy")] if kubeadm.installs("kube-proxy") else []
    wanted += [("Deployment", "coredns")] if kubeadm.installs("coredns") else []
    listed = _get(host, "DaemonSet", "Deployment")
    found = {(one["kind"], one["metadata"]["name"]): one for one in listed}
    networked = has_network(cluster, _nodes(host))
    for kind, name in wanted:
        there = found.get((kind, name))
        expect(there, f"there is no {kind} {name} in kube-system", up())
        # CoreDNS needs the pod network, which the cluster's users may have yet to bring.
        if there and (networked or name == "kube-proxy"):
            absent = frozenset(other.name for other in cluster.others)
            pods = _get(host, "Pod") if absent else []
            late = unready(there, pods, absent)
            expect(not late, str(late), f"{KUBECTL} -n kube-system describe {kind} {name}")


def system_pods_are_ready(host: Host, _machine: Machine, cluster: Cluster) -> None:
    """Every pod in kube-system is Ready, except on nodes that are not in the inventory."""
    now = seconds(host.check_output("date +%s").strip())
    networked = has_network(cluster, _nodes(host))
    others = {other.name for other in cluster.others}
    pods = [pod for pod in _get(host, "Pod") if pod["spec"].get("nodeName") not in others]
    wrong = pending_pods(pods, now, networked=networked)
    expect(not wrong, "; ".join(map(str, wrong)), f"{KUBECTL} -n kube-system get pods")


def control_plane_pods_are_there(host: Host, _machine: Machine, cluster: Cluster) -> None:
    """Every control plane runs etcd, the API server, the controller manager and the scheduler."""
    wrong = missing_static_pods(_get(host, "Pod"), static_pods(cluster))
    expect(not wrong, "; ".join(map(str, wrong)), up())


_STATE = f"{KUBECTL} -n kube-system get nodes,pods,daemonsets,deployments"
"""All checks ask for the same, in one call: kubectl starts slowly."""


def _nodes(host: Host) -> tuple[Node, ...]:
    return parsed(_get(host, "Node"))


def _get(host: Host, *kinds: str) -> list[dict[str, Any]]:
    answer = host.run(f"{_STATE} -o json")
    expect(answer.rc == 0, " ".join(answer.stderr.split()), _STATE)
    return [one for one in listed(answer.stdout) if one.get("kind") in kinds]


CHECKS = (
    nodes_are_the_inventorys,
    nodes_are_ready,
    nodes_have_the_version,
    nodes_take_pods,
    own_workloads_are_there,
    control_plane_pods_are_there,
    system_pods_are_ready,
)
