"""connect: open one connection to each host, take the lock, learn addresses and other nodes."""

from __future__ import annotations

from kubeinstall.findings import KubeinstallError
from kubeinstall.phases.phase import Run
from kubeinstall.preflight import addresses, guard
from kubeinstall.preflight.running_cluster import Compared


def run(run: Run) -> None:
    """Connect, and refuse a cluster that is not the inventory's before anything is changed.

    Raises:
        KubeinstallError: the cluster is another one than the inventory's.
    """
    reach(run)
    found = compare(run)
    for warning in found.warnings:
        run.reporter.finding(warning)
    if found.stops:
        raise KubeinstallError(*found.stops, *found.out.values())
    for name, finding in found.out.items():
        run.session.fail(name, finding)


def reach(run: Run) -> None:
    """Connect to the hosts within the limit, and to the control planes for questions."""
    run.session.connect(
        [h.name for h in run.cluster.hosts if run.selected(h.name) or h.is_control_plane]
    )
    for warning in run.session.warnings:
        run.reporter.finding(warning)
    if not run.dry and run.session.alive:
        run.session.lock()
    run.reporter.note(f"{len(run.session.alive)} connected")
    adopt_addresses(run)


def adopt_addresses(run: Run) -> None:
    """Go on with the node addresses that the hosts have.

    Raises:
        KubeinstallError: what a host or its node says is no address, or cannot be its own; hosts
            would go by the same one, or one has no route to others.
    """
    found = addresses.node_addresses(run.session, run.asked)
    if not found.away:
        return
    run.adopt_node_ips(found.node_ips)
    for host in map(run.cluster.host, found.away):
        what = f"{host.address} is not on any of its interfaces; its node address is {host.node_ip}"
        run.reporter.note(what, host.name)


def compare(run: Run) -> Compared:
    """What the inventory says otherwise than the cluster; from now on the run knows its nodes.

    Raises:
        KubeinstallError: the connection to the control plane is lost.
    """
    nodes = run.asked()
    found = guard.compare(run.session, nodes, run.hosts())
    if nodes.names is not None:
        run.admit(found.others)
    return found
