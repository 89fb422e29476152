"""Networks: large enough, and none inside another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from kubeinstall.inventory.checks.hosts import unusable
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import entries

PODS: Loc = ("cluster", "network", "pods")
SERVICES: Loc = ("cluster", "network", "services")
LARGEST_SERVICES = 12
SMALLEST_SERVICES = 28
PER_NODE = 24
MOST_NODE_BITS = 16
_CANDIDATES = (
    *("10.96.0.0/16", "10.244.0.0/16", "172.20.0.0/16", "10.32.0.0/16", "192.168.0.0/16"),
    *(f"100.{octet}.0.0/16" for octet in range(64, 128)),
    *(f"10.{octet}.0.0/16" for octet in range(256)),
)


def sizes(inventory: InventoryFile) -> Iterator[Issue]:
    """The service network suits the API server, the pod network the number of nodes."""
    services = inventory.cluster.network.services
    if services.prefixlen < LARGEST_SERVICES:
        yield Issue(
            SERVICES,
            f"{dotted(SERVICES)}: {services} is too large",
            why="the API server accepts a /12 at most",
            next="use a /16 such as 10.96.0.0/16",
        )
    if services.prefixlen > SMALLEST_SERVICES:
        yield Issue(
            SERVICES,
            f"{dotted(SERVICES)}: {services} is too small",
            why="kubeadm needs at least ten addresses; the tenth is the cluster's DNS",
            next="use a /16 such as 10.96.0.0/16",
        )
    yield from _pods(inventory)


def _pods(inventory: InventoryFile) -> Iterator[Issue]:
    pods = inventory.cluster.network.pods
    nodes = sum(1 for _ in entries(inventory))
    if PER_NODE - pods.prefixlen > MOST_NODE_BITS:
        yield Issue(
            PODS,
            f"{dotted(PODS)}: {pods} is too large",
            why="Kubernetes assigns at most 2^16 node networks (/24), a /8",
            next="use a /16 such as 10.244.0.0/16",
        )
        return
    room = 2 ** (PER_NODE - pods.prefixlen) if pods.prefixlen <= PER_NODE else 0
    if room < nodes:
        needed = PER_NODE - (nodes - 1).bit_length()
        yield Issue(
            PODS,
            f"{dotted(PODS)}: {pods} has room for {room} nodes, and there are {nodes}",
            why="each node gets a /24",
            next=f"use a /{min(needed, 16)} such as 10.244.0.0/16",
        )


def overlaps(inventory: InventoryFile) -> Iterator[Issue]:
    """Pods, services, hosts and the lab do not share addresses."""
    network = inventory.cluster.network
    named = [(PODS, network.pods), (SERVICES, network.services)]
    if network.pods.overlaps(network.services):
        yield Issue(
            SERVICES,
            f"{dotted(SERVICES)}: {network.services} overlaps with {dotted(PODS)} {network.pods}",
            why="an address must belong either to a pod or to a Service",
            next=f"take {_free(named[:1], inventory)}",
        )
    if inventory.lab:
        for loc, cidr in named:
            if cidr.overlaps(inventory.lab.subnet):
                yield Issue(
                    loc,
                    f"{dotted(loc)}: {cidr} overlaps with lab.subnet {inventory.lab.subnet}",
                    next=f"take {_free(named, inventory)}",
                )
    yield from _hosts_inside(inventory, named)


def endpoint(inventory: InventoryFile) -> Iterator[Issue]:
    """The endpoint is where hosts can reach it: no pod's or service's address."""
    given = inventory.cluster.endpoint
    loc: Loc = ("cluster", "endpoint", "host")
    try:
        address = IPv4Address(given.host) if given else None
    except ValueError:
        return
    if address is None:
        return
    network = inventory.cluster.network
    for place, cidr in ((PODS, network.pods), (SERVICES, network.services)):
        if address in cidr:
            yield Issue(
                loc,
                f"{dotted(loc)}: {address} is inside {dotted(place)} {cidr}",
                why="packets to it would go to a pod or a Service",
                next="use an address of the hosts' network",
            )
    if kind := unusable(address):
        yield Issue(
            loc,
            f"{dotted(loc)}: {address} is {kind}; other hosts cannot reach it",
            next="use an address that all hosts can reach",
        )


def _hosts_inside(
    inventory: InventoryFile, named: list[tuple[Loc, IPv4Network]]
) -> Iterator[Issue]:
    for loc, _, _, entry in entries(inventory):
        for key in ("address", "node_ip"):
            address = getattr(entry, key)
            for place, cidr in named:
                if address is not None and address in cidr:
                    yield Issue(
                        (*loc, key),
                        f"{dotted((*loc, key))}: {address} is inside {dotted(place)} {cidr}",
                        why="packets to the host would go to a pod or a Service",
                        next=f"change {dotted(place)}, e.g. to {_free(named, inventory)}",
                    )


def _free(taken: list[tuple[Loc, IPv4Network]], inventory: InventoryFile) -> IPv4Network:
    """A network that nothing in the inventory uses."""
    used = [cidr for _, cidr in taken]
    used += [IPv4Network(entry.address) for _, _, _, entry in entries(inventory)]
    used += [IPv4Network(e.node_ip) for _, _, _, e in entries(inventory) if e.node_ip]
    if inventory.lab:
        used.append(inventory.lab.subnet)
    return free(used)


def free(used: Sequence[IPv4Network], wished: str = "10.96.0.0/16") -> IPv4Network:
    """A network for pods or services that overlaps with none of the used ones.

    Args:
        wished: taken if it is free.
    """
    candidates = map(IPv4Network, (wished, *_CANDIDATES))
    return next(cidr for cidr in candidates if not any(cidr.overlaps(other) for other in used))
