"""Which pod network a cluster has, and that the inventory names no other: pure decisions."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinstall.deploys.network_files import CNI_FILES
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster, Host, NetworkPlugin
from kubeinstall.phases.nodes import Nodes
from kubeinstall.phases.probe import Probe

_WHY = (
    "pods keep the addresses and routes they were started with: under another network they lose "
    "each other, and both networks write to the same routes and firewall rules"
)


def another_addon(cluster: Cluster, nodes: Nodes) -> Iterable[Finding]:
    """The cluster has the addon of another pod network."""
    network = cluster.spec.network
    for name in sorted(nodes.network_addons - {network.addon}):
        yield _refused(cluster, cluster.first.name, name, network.addon or network.plugin)


def another_file(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """A node's pods get their network from another plugin, by the file that comes first."""
    if not probe.node:
        return
    wanted = cluster.spec.network.plugin
    live = next((CNI_FILES[name] for name in sorted(probe.cni) if name in CNI_FILES), wanted)
    # With a network of your own these files may well be yours; the bridge's is ours alone.
    yours = wanted is NetworkPlugin.NONE and live is not NetworkPlugin.BRIDGE
    if live is not wanted and not yours:
        yield _refused(cluster, host.name, live, wanted)


def behind_a_router(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """Pods' packets go straight to the other hosts, but there is a router on the way."""
    far = [other for other in cluster.hosts if other.node_ip in probe.hops]
    if far and not probe.node:
        named = ", ".join(f"{other.name} ({other.node_ip})" for other in far)
        network = cluster.spec.network
        kind = "host-gw" if network.overlay else network.plugin.value
        yield Finding(
            Kind.PREFLIGHT,
            f"reaches {named} through the router {probe.hops[far[0].node_ip]}; {kind} needs hosts "
            "on one subnet",
            host.name,
            "a route to pods names the host they are on, and the router knows nothing of pods",
            "take `network: {plugin: flannel, flannel: {direct_routing: true}}`, or set node_ip to "
            "addresses on a network that all hosts share",
        )


def _refused(cluster: Cluster, where: str, live: str, wanted: str) -> Finding:
    plugin, _, install = live.partition("-")
    back = f"plugin: {plugin}" + (f", calico: {{install: {install}}}" if install else "")
    return Finding(
        Kind.PREFLIGHT,
        f"the cluster's pod network is {live}, the inventory says {wanted}",
        where,
        _WHY,
        f"go back to `network: {{{back}}}`; or make a new cluster and move to it what runs here; "
        f"or, if this one may be lost: kubeinstall reset -i {cluster.source or 'FILE'}, then up",
    )
