"""Which pod network a cluster has, and that the inventory names no other: pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network

from kubeinstall.cluster.nodes import Nodes
from kubeinstall.files.network import CNI_FILES
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host, NetworkPlugin
from kubeinstall.preflight.probe import Probe

_WHY = (
    "pods keep the addresses and routes that they were started with: with another network they "
    "can no longer reach each other, and both networks write the same routes and firewall rules"
)


def shares(cluster: Cluster, nodes: Nodes) -> dict[str, IPv4Network]:
    """The share of the pod network of each node that is a host of the inventory.

    A kubelet may name its node's share when it registers the node, and all other hosts send there
    what goes to it: so a share is taken only if it can be one, and none of another node's.

    Raises:
        KubeinstallError: one is none, or would take packets that are not the node's.
    """
    own = {host.hostname: host.name for host in cluster.hosts}
    found = {name: share for name, share in nodes.pod_cidrs.items() if name in own}
    if cluster.spec.network.plugin is not NetworkPlugin.BRIDGE:
        return found
    wrong = [
        _no_share(nodes, own[name], f"the pod network range of its node cannot be read: {fault}")
        for name in own
        if (fault := nodes.fault(name))
    ]
    for name, share in found.items():
        wrong += (
            _no_share(nodes, own[name], why) for why in share_faults(cluster, name, share, found)
        )
    if wrong:
        raise KubeinstallError(*wrong)
    return found


def share_faults(
    cluster: Cluster, name: str, share: IPv4Network, found: Mapping[str, IPv4Network]
) -> Iterator[str]:
    """Why a network is not a node's share of the pod network."""
    pods = cluster.spec.network.pods
    said = f"the pod network range of its node (podCIDR) is {share}"
    if not share.subnet_of(pods):
        yield f"{said}, which is not inside cluster.network.pods {pods}"
    for other, taken in found.items():
        if other != name and share.overlaps(taken):
            yield f"{said}, which overlaps with {taken} of {other}"
    inside = [h.name for h in cluster.hosts if IPv4Address(h.node_ip) in share]
    if inside:
        yield f"{said}, which contains the address of {', '.join(inside)}"


def _no_share(nodes: Nodes, host: str, what: str) -> Finding:
    return Finding(
        Kind.CLUSTER,
        what,
        (host,),
        "the other hosts would send that node packets for other hosts",
        f"on {nodes.host}: kubectl get nodes -o wide; if {host} may be compromised, "
        "disconnect it from the network; otherwise: kubectl delete node, then `up` again",
    )


def another_addon(cluster: Cluster, nodes: Nodes) -> Iterable[Finding]:
    """The cluster has the addon of another pod network."""
    network = cluster.spec.network
    for name in sorted(nodes.network_addons - {network.addon}):
        yield _refused(cluster, nodes.host, name, network.addon or network.plugin)


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
            (host.name,),
            "a route to pods has their host as next hop, and the router has no routes to pods",
            "use `network: {plugin: flannel, flannel: {direct_routing: true}}`, or set node_ip to "
            "addresses on a network that all hosts share",
        )


def _refused(cluster: Cluster, host: str, live: str, wanted: str) -> Finding:
    plugin, _, install = live.partition("-")
    back = f"plugin: {plugin}" + (f", calico: {{install: {install}}}" if install else "")
    return Finding(
        Kind.PREFLIGHT,
        f"the cluster's pod network is {live}, but the inventory says {wanted}",
        (host,),
        _WHY,
        f"set `network: {{{back}}}` again; or create a new cluster and move the applications to "
        f"it; or, if nothing in this one is needed: {cluster.command('reset')}, then up",
    )
