"""The cluster that runs against the inventory's: pure decisions.

What cannot become what the inventory says is refused before anything is changed; nodes that live
in the cluster without a host in the inventory keep what they need on the hosts, and are reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kubeinstall.cluster.node import CONTROL_PLANE, Node
from kubeinstall.cluster.nodes import Nodes
from kubeinstall.cluster.on_disk import OnDisk
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster, Host, OtherNode
from kubeinstall.preflight import immutable as fixed
from kubeinstall.preflight.addresses import claimed
from kubeinstall.preflight.pod_networks import another_addon, another_file, share_faults
from kubeinstall.preflight.probe import Probe
from kubeinstall.releases import Version

_UPGRADE = "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/"


@dataclass(frozen=True)
class Compared:
    """The inventory against the running cluster.

    Args:
        stops: what ends a run before it changes anything: a host that goes by another name or role
            would lose what the others have for it.
        out: workers that are left out of a run, and why.
        warnings: what a run goes on beside.
        others: the nodes that live in the cluster without a host in the inventory.
    """

    stops: tuple[Finding, ...] = ()
    out: Mapping[str, Finding] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()
    others: tuple[OtherNode, ...] = ()


def of_cluster(cluster: Cluster, nodes: Nodes, hosts: Sequence[Host]) -> Compared:
    """What the inventory says otherwise than a cluster that answers.

    Args:
        hosts: those that the run works on.
    """
    renamed = dict(_renamed(cluster, nodes))
    kubelets = dict(_kubelets(cluster, nodes, hosts))
    return Compared(
        (
            *_version(cluster, nodes),
            *(kubelets[h.name] for h in cluster.control_planes if h.name in kubelets),
            *renamed.values(),
            *_moved(cluster, nodes),
            *_roles(cluster, nodes),
            *fixed.refused(cluster, nodes.settings, nodes.host),
            *another_addon(cluster, nodes),
            *another_file(
                cluster, cluster.host(nodes.host), Probe(node=True, cni=nodes.settings.cni)
            ),
        ),
        {h.name: kubelets[h.name] for h in cluster.workers if h.name in kubelets},
        (
            *fixed.reported(cluster, nodes.settings, nodes.host),
            *(
                _stranger(cluster, nodes, node)
                for node in _strangers(cluster, nodes)
                if node.name not in renamed
            ),
        ),
        tuple(others(cluster, nodes)),
    )


def of_disks(cluster: Cluster, disks: Mapping[str, OnDisk]) -> Compared:
    """What the inventory says otherwise than hosts that are nodes of a cluster without an answer.

    Args:
        disks: by host name.
    """
    stops: list[Finding] = []
    out: dict[str, Finding] = {}
    servers = {
        host.name: version
        for host in cluster.control_planes
        if host.name in disks and (version := disks[host.name].api_server)
    }
    other = next((name for name, version in servers.items() if version != cluster.version), None)
    if other:
        stops.append(_another_version(cluster, servers[other], [other, *disks]))
    for name, disk in disks.items():
        host = cluster.host(name)
        if not servers and disk.kubelet and disk.kubelet != cluster.version:
            finding = _another_kubelet(cluster, host, disk.kubelet)
            if host.is_control_plane:
                stops.append(finding)
            else:
                out[name] = finding
        if disk.name and disk.name != host.hostname:
            stops.append(_another_name(cluster, host, disk.name))
        if disk.control_plane is not host.is_control_plane:
            stops.append(_another_role(cluster, host, is_control_plane=disk.control_plane))
        stops += another_file(cluster, host, Probe(node=True, cni=disk.cni))
    return Compared(tuple(stops), out)


def others(cluster: Cluster, nodes: Nodes) -> list[OtherNode]:
    """The nodes that live in the cluster without a host in the inventory.

    What a node says of itself is believed only as far as it does no harm: one whose address is not
    a host's of its own is left out, and one whose share of the pod network does not fit has none.
    """
    found = (_other(cluster, nodes, node) for node in _strangers(cluster, nodes))
    return [one for one in found if isinstance(one, OtherNode)]


def _strangers(cluster: Cluster, nodes: Nodes) -> list[Node]:
    known = {host.hostname for host in cluster.hosts}
    found = (node for node in nodes.items if node.name not in known)
    return sorted(found, key=lambda node: node.name)


def _other(cluster: Cluster, nodes: Nodes, node: Node) -> OtherNode | str:
    """A node without a host; or why it is left out."""
    if node.address is None:
        return next(iter(node.faults), "it has not reported an address")
    if why := claimed(cluster, node.address):
        return f"it claims the address {node.address}, {why}"
    share = node.pod_cidr
    if share and any(share_faults(cluster, node.name, share, nodes.pod_cidrs)):
        share = None
    return OtherNode(
        name=node.name,
        node_ip=str(node.address),
        pod_cidr=share,
        is_control_plane=node.is_control_plane,
    )


def _stranger(cluster: Cluster, nodes: Nodes, node: Node) -> Finding:
    """A warning: how a node without a host is treated, and how it is removed."""
    found, name = _other(cluster, nodes, node), node.name
    kept = isinstance(found, OtherNode)
    state = "Ready" if node.is_ready else "not Ready"
    why = (
        "the hosts keep its route, its line in /etc/hosts and its firewall rules, because its "
        "pods may still be running"
        if kept
        else f"the hosts have no route or rule for it: {found}"
    )
    return Finding(
        Kind.CLUSTER,
        f"the cluster has a node {name} ({state}) that is not in the inventory",
        (nodes.host,),
        why,
        f"add it to the inventory again; or remove it: on {nodes.host}: kubectl drain {name} "
        f"--ignore-daemonsets --delete-emptydir-data, kubectl delete node {name}; then "
        "`kubeinstall reset` with an inventory that contains that host",
        "warning",
    )


def _version(cluster: Cluster, nodes: Nodes) -> Iterator[Finding]:
    running = nodes.settings.version
    if running and running != cluster.version:
        on = [host.name for host in cluster.hosts if nodes.node(host.hostname)]
        yield _another_version(cluster, running, [nodes.host, *on])


def _another_version(cluster: Cluster, running: Version, on: Iterable[str]) -> Finding:
    return Finding(
        Kind.PREFLIGHT,
        f"the cluster runs Kubernetes {running}, but the inventory says {cluster.version}",
        tuple(dict.fromkeys(on)),
        "a change of version is an upgrade, which has to be done in order: with new packages on "
        "all nodes at once, kubelets could be newer than the API server",
        f"set cluster.kubernetes back to {running}; to upgrade by hand, the control plane first "
        f"and one minor version at a time: {_UPGRADE}; then set cluster.kubernetes to the new "
        "version",
    )


def _kubelets(
    cluster: Cluster, nodes: Nodes, hosts: Sequence[Host]
) -> Iterator[tuple[str, Finding]]:
    """By host, a node whose kubelet has neither the cluster's version nor the inventory's."""
    if nodes.settings.version != cluster.version:
        return
    for host in hosts:
        node = nodes.node(host.hostname)
        if node and node.version and node.version != cluster.version:
            yield host.name, _another_kubelet(cluster, host, node.version)


def _another_kubelet(cluster: Cluster, host: Host, running: Version) -> Finding:
    return Finding(
        Kind.PREFLIGHT,
        f"its kubelet is {running}, but the inventory says {cluster.version}",
        (host.name,),
        "kubeinstall does not change the version of a node: the node has to be drained first",
        f"set cluster.kubernetes to {running} if that is the cluster's version; or drain the "
        f"node and bring it to {cluster.version} by hand: {_UPGRADE}",
    )


def _renamed(cluster: Cluster, nodes: Nodes) -> Iterator[tuple[str, Finding]]:
    """By the node's name, a host that is a node by another one: it would join a second time."""
    by_address = {str(node.address): node.name for node in _strangers(cluster, nodes)}
    names = nodes.names or frozenset()
    for host in cluster.hosts:
        old = by_address.get(host.node_ip)
        if old and host.hostname not in names:
            yield old, _another_name(cluster, host, old)


def _another_name(cluster: Cluster, host: Host, old: str) -> Finding:
    return Finding(
        Kind.PREFLIGHT,
        f"in the cluster it is node {old}, but the inventory calls it {host.hostname}",
        (host.name,),
        "a node keeps the name it joined with: with another one it would join a second time",
        f"set the host's hostname to {old}; or, for the new name, remove the node first: kubectl "
        f"drain {old} --ignore-daemonsets, kubectl delete node {old}, "
        f"`{cluster.command('reset', '--limit', host.name)}`, then up",
    )


def _moved(cluster: Cluster, nodes: Nodes) -> Iterator[Finding]:
    """A node goes by another address than the inventory's."""
    addresses = nodes.addresses
    for host in cluster.hosts:
        has = addresses.get(host.hostname)
        if has and str(has) != host.node_ip:
            yield Finding(
                Kind.PREFLIGHT,
                f"its node has the address {has}, but the inventory says {host.node_ip}",
                (host.name,),
                "the other hosts have its address in routes, /etc/hosts and firewall rules, and "
                "a control plane node has it in certificates and in etcd",
                f"set the host's node_ip to {has}; or remove the node from the cluster first: "
                f"kubectl drain {host.hostname} --ignore-daemonsets, kubectl delete node "
                f"{host.hostname}, `{cluster.command('reset', '--limit', host.name)}`, then up",
            )


def _roles(cluster: Cluster, nodes: Nodes) -> Iterator[Finding]:
    """A control plane is among the inventory's workers."""
    for host in cluster.workers:
        given = any(label in host.labels for label in CONTROL_PLANE)
        node = nodes.node(host.hostname)
        if node and node.is_control_plane and not given:
            yield _another_role(cluster, host, is_control_plane=True)


def _another_role(cluster: Cluster, host: Host, *, is_control_plane: bool) -> Finding:
    has, wanted = ("a control plane node", "a worker")[:: 1 if is_control_plane else -1]
    return Finding(
        Kind.PREFLIGHT,
        f"it is {has} in the cluster, but {wanted} in the inventory",
        (host.name,),
        "a host keeps the role it joined with: etcd and the API server cannot be moved",
        "move it back to its group; or remove it from the cluster before you change its role: "
        f"`{cluster.command('reset', '--limit', host.name)}`",
    )
