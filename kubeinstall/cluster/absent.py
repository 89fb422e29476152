"""Nodes that are not Ready and that the run does not work on: nobody waits for their pods."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from kubeinstall.cluster.conditions import Json
from kubeinstall.cluster.kubectl import Kubectl
from kubeinstall.cluster.node import Node
from kubeinstall.inventory.model import Host

_DNS = "kube-dns"
"""kubeadm's label of CoreDNS' pods, ``k8s-app``."""


def absent(hosts: Iterable[Host], nodes: Iterable[Node]) -> frozenset[str]:
    """The names of such nodes: their hosts are out, not within the limit or not in the inventory.

    Args:
        hosts: those that the run works on.
    """
    here = {host.hostname for host in hosts}
    names = {node.name for node in nodes if not node.is_ready}
    return frozenset(names - here)


def left(pods: Sequence[Json], names: frozenset[str]) -> dict[str, int]:
    """How many pods are bound to each of these nodes."""
    found = Counter(str(pod["spec"].get("nodeName", "")) for pod in pods)
    return {name: found[name] for name in sorted(names) if found[name]}


def lost_dns(
    pods: Sequence[Json], names: frozenset[str], nodes: Iterable[Node]
) -> tuple[list[str], list[str]]:
    """The pods of CoreDNS, and their nodes, where all of them are on nodes that are absent.

    A cluster in that state answers no name until Kubernetes gives the nodes up, five minutes after
    they were last Ready. Their pods can go at once: a Deployment makes others, and these keep
    nothing. With no other node that takes pods they stay.

    Args:
        names: of the nodes that are absent.
    """
    dns = [
        pod
        for pod in pods
        if (pod["metadata"].get("labels") or {}).get("k8s-app") == _DNS
        and not pod["metadata"].get("deletionTimestamp")
    ]
    on = {str(pod["spec"].get("nodeName", "")) for pod in dns}
    elsewhere = any(node.is_ready and not node.unschedulable for node in nodes)
    if not on or not on <= names or not elsewhere:
        return [], []
    return [pod["metadata"]["name"] for pod in dns], sorted(on)


def move_dns(kubectl: Kubectl, pods: Sequence[str]) -> None:
    """Have pods of CoreDNS replaced on other nodes.

    Args:
        pods: their names.

    Raises:
        KubeinstallError: the API server does not do so.
    """
    names = " ".join(map(shlex.quote, pods))
    kubectl.must(f"$kubectl -n kube-system delete pods {names} --wait=false --ignore-not-found")
