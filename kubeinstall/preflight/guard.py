"""Before anything is changed: is the running cluster one that this inventory can be kept for?

It is part of connecting, so no choice of phases or hosts gets round it.
"""

from __future__ import annotations

from kubeinstall.cluster import on_disk
from kubeinstall.findings import KubeinstallError
from kubeinstall.phases.phase import Run
from kubeinstall.preflight import running_cluster as living
from kubeinstall.preflight.running_cluster import Compared


def run(run: Run) -> None:
    """Refuse what the cluster cannot become, report what it will not, and learn its other nodes.

    Raises:
        KubeinstallError: the cluster is another one than the inventory's; nothing was changed.
    """
    found = compare(run)
    for warning in found.warnings:
        run.reporter.finding(warning)
    if found.stops:
        raise KubeinstallError(*found.stops, *found.out.values())
    for name, finding in found.out.items():
        run.session.fail(name, finding)


def compare(run: Run) -> Compared:
    """What the inventory says otherwise than the cluster; from now on the run knows its nodes.

    Raises:
        KubeinstallError: the connection to the control plane is lost.
    """
    nodes = run.asked()
    if nodes.names is not None:
        run.admit(living.others(run.cluster, nodes))
        return living.of_cluster(run.cluster, nodes, run.hosts())
    answers = run.session.ask_all(dict.fromkeys(run.session.alive, on_disk.QUESTION), timeout=30)
    found = {name: on_disk.OnDisk.parse(answer.stdout) for name, answer in answers.items()}
    return living.of_disks(run.cluster, {name: disk for name, disk in found.items() if disk})
