"""Before anything is changed: is the running cluster one that this inventory can be kept for?

It is part of connecting, so no choice of phases or hosts gets round it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubeinstall.cluster import on_disk
from kubeinstall.cluster.nodes import Nodes
from kubeinstall.inventory.model import Host
from kubeinstall.preflight import running_cluster as living
from kubeinstall.preflight.running_cluster import Compared

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session


def compare(session: Session, nodes: Nodes, hosts: Sequence[Host]) -> Compared:
    """What the inventory says otherwise than the cluster.

    Args:
        nodes: what the cluster says; where it does not answer, the hosts are asked for what they
            have of it.
        hosts: those that the run works on.

    Raises:
        KubeinstallError: interrupted.
    """
    cluster = session.cluster
    if nodes.names is not None:
        return living.of_cluster(cluster, nodes, hosts)
    answers = session.ask_all(dict.fromkeys(session.alive, on_disk.QUESTION), timeout=30)
    found = {name: on_disk.OnDisk.parse(answer.stdout) for name, answer in answers.items()}
    return living.of_disks(cluster, {name: disk for name, disk in found.items() if disk})
