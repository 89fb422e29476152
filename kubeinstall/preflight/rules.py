"""All rules of preflight, in the order in which their findings are reported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Cluster
from kubeinstall.preflight import clocks, identity, leftovers, network, ports, system
from kubeinstall.preflight.pod_networks import another_file, behind_a_router
from kubeinstall.preflight.rule import Probes, Rule

RULES: tuple[Rule, ...] = (
    system.understood,
    system.system,
    system.size,
    system.disk,
    network.names,
    network.node_ip,
    system.cgroup,
    system.kernel,
    ports.ports,
    leftovers.moved,
    leftovers.left,
    system.programs,
    clocks.synced,
    network.resolver,
    another_file,
    behind_a_router,
)
"""One host at a time."""


def judge(
    cluster: Cluster, probes: Probes, advice: Mapping[str, str] = MappingProxyType({})
) -> list[Finding]:
    """Everything that is wrong with the probed hosts, in the inventory's order.

    Args:
        advice: host name to another source that it reaches.
    """
    hosts = [host for host in cluster.hosts if host.name in probes]
    each = [
        finding
        for host in hosts
        for rule in RULES
        for finding in rule(cluster, host, probes[host.name])
    ]
    return [
        *each,
        *network.reached(cluster, hosts, probes, advice),
        *identity.same(cluster, hosts, probes),
        *network.nat(hosts, probes),
        *clocks.clocks(probes),
    ]
