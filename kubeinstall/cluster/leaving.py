"""Nodes that leave the cluster: their pods are moved, and their objects removed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from kubeinstall.cluster.draining import drain_command
from kubeinstall.cluster.kubectl import Kubectl

_SECONDS = 120


def move_pods(kubectl: Kubectl, node: str) -> None:
    """Move a node's pods elsewhere, those without a controller too, as far as that goes in time.

    Args:
        node: its name.

    Raises:
        KubeinstallError: not all of them were moved.
    """
    kubectl.must(drain_command(node, _SECONDS, force=True), timeout=_SECONDS + 30)


def remove_nodes(kubectl: Kubectl, nodes: Sequence[str]) -> None:
    """Remove node objects; those that are gone already are no error.

    Args:
        nodes: their names; none: nothing is asked.

    Raises:
        KubeinstallError: the API server does not do so.
    """
    if nodes:
        names = " ".join(map(shlex.quote, nodes))
        kubectl.must(f"$kubectl delete node {names} --ignore-not-found --timeout=30s")
