"""How many hosts, their names and addresses, and how they are reached."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from kubeinstall.inventory.formats import FORMS, LOCAL_LOGIN
from kubeinstall.inventory.model import (
    HostEntry,
    HostSettings,
    InventoryFile,
    Jump,
    Role,
    Ssh,
)
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import entries, layers, layers_of, settings
from kubeinstall.inventory.suggestions import did_you_mean

_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_CONTROL_PLANE: Loc = ("groups", "control_plane")


def control_planes(inventory: InventoryFile) -> Iterator[Issue]:
    """There is one control plane; more come with a later release, and never an even number."""
    count = len(inventory.groups.control_plane.hosts)
    loc = (*_CONTROL_PLANE, "hosts")
    if count == 0:
        yield Issue(
            loc,
            "groups.control_plane has no host",
            why="the cluster's API and its data run there",
            next="add one: `hosts: {cp1: {address: 10.0.0.11}}`",
            at_key=True,
        )
    elif count % 2 == 0:
        yield Issue(
            loc,
            f"groups.control_plane has an even number of hosts: {count}",
            why=f"etcd needs a majority of its members: {count} tolerate no more failures than "
            f"{count - 1}, and are more likely to have one",
            next="make it one",
            at_key=True,
        )
    elif count > 1:
        yield Issue(
            loc,
            f"groups.control_plane has {count} hosts; this release supports one",
            why="support for 3 or 5 comes with a later release",
            next="keep one here and move the others to groups.workers",
            at_key=True,
        )


def names(inventory: InventoryFile) -> Iterator[Issue]:
    """Host names and node names are unique across groups."""
    seen: dict[str, Loc] = {}
    nodes: dict[str, Loc] = {}
    for loc, _, name, entry in entries(inventory):
        node = entry.hostname or name
        if name in seen:
            yield _twice(loc, f"the host name {name}", seen[name], "rename one", at_key=True)
        elif node in nodes:
            place = (*loc, "hostname") if entry.hostname else loc
            yield _twice(
                place, f"the node name {node}", nodes[node], "use a different one for each"
            )
        seen.setdefault(name, loc)
        nodes.setdefault(node, loc)
        if node == "localhost":
            yield Issue(
                (*loc, "hostname") if entry.hostname else loc,
                f"{dotted(loc)}: a node cannot be called localhost",
                why="on every host, that name means the host itself",
                next="use a name such as node-1",
                at_key=True,
            )


def addresses(inventory: InventoryFile) -> Iterator[Issue]:
    """No two entries are one machine, and each node has an address of its own."""
    reached: dict[tuple[IPv4Address, int, str | None], Loc] = {}
    inside: dict[IPv4Address, Loc] = {}
    for loc, role, _, entry in entries(inventory):
        ssh = settings(inventory, role, entry).ssh
        way = (entry.address, ssh.port, ssh.bastion)
        node_ip = entry.node_ip or entry.address
        if way in reached:
            what = f"the address {entry.address} port {ssh.port}"
            yield _twice((*loc, "address"), what, reached[way], "list each host once")
        elif node_ip in inside:
            place = (*loc, "node_ip" if entry.node_ip else "address")
            advice = "set node_ip to each host's own address inside the cluster"
            yield _twice(place, f"the node address {node_ip}", inside[node_ip], advice)
        reached.setdefault(way, loc)
        inside.setdefault(node_ip, loc)


def _twice(loc: Loc, what: str, first: Loc, advice: str, *, at_key: bool = False) -> Issue:
    why = f"{dotted(first)} uses it already"
    return Issue(loc, f"{dotted(loc)}: {what} is used twice", why, advice, at_key=at_key)


def node_ips(inventory: InventoryFile) -> Iterator[Issue]:
    """Nodes can reach each other's addresses."""
    for loc, _, _, entry in entries(inventory):
        address = entry.node_ip or entry.address
        kind = unusable(address)
        if kind:
            yield Issue(
                (*loc, "node_ip" if entry.node_ip else "address"),
                f"{dotted(loc)}: {address} is {kind}; other nodes cannot reach it",
                next="set node_ip to the host's address on the network that the nodes share",
            )


def unusable(address: IPv4Address) -> str:
    """Why an address is nobody's on a network, if so."""
    if address.is_loopback:
        return "a loopback address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_link_local:
        return "a link-local address"
    if address in _THIS_NETWORK or address.is_reserved:
        return "a reserved address"
    return ""


def logins(inventory: InventoryFile) -> Iterator[Issue]:
    """A login's domain is none of an address: then the host stands in the user's place."""
    for loc, layer in layers(inventory):
        _, _, domain = layer.ssh.user.rpartition("@")
        if _is(IPv4Address, domain):
            place = (*loc, "ssh", "user")
            yield Issue(
                place,
                f"{dotted(place)}: {layer.ssh.user} contains a user name and a host's address",
                next=f"write only the user name; {domain} belongs in `address`",
            )


def sudo(inventory: InventoryFile) -> Iterator[Issue]:
    """A sudo password is for logins other than root."""
    yield from _unused(
        inventory,
        ("sudo_password",),
        lambda ssh: ssh.user == "root",
        "the user is root",
        "remove it, or set ssh.user",
    )


def bastions(inventory: InventoryFile) -> Iterator[Issue]:
    """A bastion's address and port are some, and what is for a bastion has one."""
    for loc, layer in layers(inventory):
        place = (*loc, "ssh", "bastion")
        jump = Jump.parse(layer.ssh.bastion) if layer.ssh.bastion else None
        if jump and not 1 <= jump.port <= 65535:
            yield Issue(place, f"{dotted(place)}: {jump.port} is not a port", next="use 1 to 65535")
        if jump and ":" in jump.host and not _is(IPv6Address, jump.host):
            yield Issue(
                place,
                f"{dotted(place)}: {jump.host} is not an IPv6 address",
                next="write it like [2001:db8::1]:22",
            )
    yield from _unused(
        inventory,
        ("bastion_key", "bastion_key_passphrase", "bastion_password"),
        lambda ssh: ssh.bastion is None,
        "there is no bastion",
        "remove it, or set ssh.bastion",
    )


def _is(kind: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _unused(
    inventory: InventoryFile,
    fields: tuple[str, ...],
    without: Callable[[Ssh], bool],
    why: str,
    advice: str,
) -> Iterator[Issue]:
    """Warn of ssh settings that a host has and does not use, once for each place.

    Args:
        without: whether a host with these settings does not use the fields.
    """
    told: set[Loc] = set()
    for host, role, _, entry in entries(inventory):
        ssh = settings(inventory, role, entry).ssh
        for field in fields:
            if getattr(ssh, field) is None or not without(ssh):
                continue
            loc = _layer_with(layers_of(inventory, host, entry), field)
            if loc not in told:
                told.add(loc)
                yield Issue(
                    loc,
                    f"{dotted(loc)} is not used: {why}",
                    next=advice,
                    severity="warning",
                    at_key=True,
                )


def _layer_with(above: Sequence[tuple[Loc, HostSettings]], field: str) -> Loc:
    """The nearest place to a host that sets a field of ``ssh``."""
    return next(
        (*loc, "ssh", field)
        for loc, layer in reversed(above)
        if getattr(layer.ssh, field) is not None
    )


def room_for_pods(inventory: InventoryFile) -> Iterator[Issue]:
    """Some node takes ordinary pods."""
    if inventory.groups.workers.hosts or not inventory.groups.control_plane.hosts:
        return
    hosts: list[HostEntry] = list(inventory.groups.control_plane.hosts.values())
    if all(settings(inventory, Role.CONTROL_PLANE, host).taints is None for host in hosts):
        yield Issue(
            _CONTROL_PLANE,
            "there are no workers and the control plane is tainted: pods have nowhere to run",
            next="add workers, or `taints: []` to groups.control_plane",
            severity="warning",
            at_key=True,
        )


def lab(inventory: InventoryFile) -> Iterator[Issue]:
    """Lab hosts are on the lab's network, each with an address of its own."""
    if inventory.lab is None:
        return
    for user in inventory.lab.users:
        if not re.fullmatch(LOCAL_LOGIN, user):
            place: Loc = ("lab", "users", user)
            yield Issue(
                place,
                f"{dotted(place)}: this is not {FORMS[LOCAL_LOGIN].name}",
                next=f"write it like {FORMS[LOCAL_LOGIN].example}",
                at_key=True,
            )
    subnet = inventory.lab.subnet
    used: dict[IPv4Address, Loc] = {subnet.network_address + 1: ("lab", "subnet")}
    places: list[tuple[Loc, IPv4Address | None]] = [
        (("lab", "mirror"), inventory.lab.mirror),
        (("lab", "bastion"), inventory.lab.bastion),
    ]
    places += [((*loc, "address"), entry.address) for loc, _, _, entry in entries(inventory)]
    for loc, address in places:
        if address is None:
            continue
        usable = address in subnet and address not in (subnet[0], subnet[-1])
        if not usable:
            yield Issue(
                loc,
                f"{dotted(loc)}: {address} is not a host address of lab.subnet {subnet}",
                next=f"use one such as {subnet.network_address + 11}",
            )
        elif address in used and not (loc[0] == "groups" and used[address][0] == "groups"):
            owner = used[address]
            by = "this machine" if owner == ("lab", "subnet") else dotted(owner)
            yield Issue(loc, f"{dotted(loc)}: {address} is used by {by}", next="use another")
        used.setdefault(address, loc)


def vagrant(inventory: InventoryFile) -> Iterator[Issue]:
    """A virtual machine's size is that of a host there is."""
    names = [name for _, _, name, _ in entries(inventory)]
    for name in inventory.vagrant.hosts if inventory.vagrant else ():
        if name not in names:
            loc: Loc = ("vagrant", "hosts", name)
            yield Issue(
                loc,
                f"{dotted(loc)}: no group has a host {name}",
                next=did_you_mean(name, names) or f"name one of {', '.join(names)}",
                at_key=True,
            )
