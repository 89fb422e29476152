"""connect: open one connection to each host, take the lock, learn addresses and other nodes."""

from __future__ import annotations

from kubeinstall.phases.phase import Run
from kubeinstall.preflight import guard
from kubeinstall.preflight.addresses import settle


def run(run: Run) -> None:
    """Connect, and refuse a cluster that is not the inventory's before anything is changed.

    Raises:
        KubeinstallError: the cluster is another one than the inventory's.
    """
    reach(run)
    guard.run(run)


def reach(run: Run) -> None:
    """Connect to the hosts within the limit, and to the first control plane for questions."""
    first = run.cluster.first.name
    run.session.connect(
        [host.name for host in run.cluster.hosts if run.selected(host.name) or host.name == first]
    )
    for warning in run.session.warnings:
        run.reporter.finding(warning)
    if not run.dry and run.session.alive:
        run.session.lock()
    run.reporter.note(f"{len(run.session.alive)} connected")
    settle(run)
