"""Pod networks: settings that their plugin has, and that go together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from kubeinstall.inventory.model import (
    Encapsulation,
    Flannel,
    FlannelBackend,
    InventoryFile,
    NetworkPlugin,
)
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import entries
from kubeinstall.inventory.suggestions import did_you_mean

_NETWORK: Loc = ("cluster", "network")
_CALICO: Loc = (*_NETWORK, "calico")
_OPTIONS = {
    "direct_routing": (FlannelBackend.VXLAN,),
    "vni": (FlannelBackend.VXLAN,),
    "port": (FlannelBackend.VXLAN, FlannelBackend.UDP, FlannelBackend.WIREGUARD),
    "mtu": (FlannelBackend.VXLAN, FlannelBackend.WIREGUARD),
    "keepalive": (FlannelBackend.WIREGUARD,),
}
"""Which backends have an option. Source: flannel's Documentation/backends.md."""
_NEIGHBOURS = 24
"""Hosts whose addresses share this prefix are taken to be on one subnet."""
_MESH = 100
"""Nodes from which Calico advises against a full mesh."""


def unused(inventory: InventoryFile) -> Iterator[Issue]:
    """What is set for a plugin is of the plugin that is used."""
    network = inventory.cluster.network
    for plugin in (NetworkPlugin.FLANNEL, NetworkPlugin.CALICO, NetworkPlugin.CANAL):
        if plugin.value in network.model_fields_set and network.plugin is not plugin:
            loc = (*_NETWORK, plugin.value)
            yield Issue(
                loc,
                f"{dotted(loc)} is not used: cluster.network.plugin is {network.plugin}",
                next=f"set `plugin: {plugin}`, or remove it",
                severity="warning",
                at_key=True,
            )


def flannel(inventory: InventoryFile) -> Iterator[Issue]:
    """flannel's backend has what is set for it, and can work between these hosts."""
    network = inventory.cluster.network
    settings = network.overlay
    if settings is None:
        return
    place = (*_NETWORK, network.plugin.value)
    for option, backends in _OPTIONS.items():
        if getattr(settings, option) is not None and settings.backend not in backends:
            yield Issue(
                (*place, option),
                f"{dotted((*place, option))}: the backend {settings.backend} has no such setting",
                why=f"it is one of {', '.join(backends)}",
                next="remove it, or use another backend",
                at_key=True,
            )
    yield from _expression((*place, "interface"), settings.interface, "regex=")
    yield from _one_subnet(inventory, place, settings)


def _one_subnet(inventory: InventoryFile, place: Loc, settings: Flannel) -> Iterator[Issue]:
    if settings.backend is not FlannelBackend.HOST_GW:
        return
    subnets = {
        IPv4Network((entry.node_ip or entry.address, _NEIGHBOURS), strict=False)
        for _, _, _, entry in entries(inventory)
    }
    if len(subnets) > 1:
        loc = (*place, "backend")
        named = ", ".join(map(str, sorted(subnets)))
        yield Issue(
            loc,
            f"{dotted(loc)}: host-gw needs all hosts on one subnet; they have addresses in {named}",
            why="the next hop of a route must be reachable without a router in between",
            next="use vxlan with `direct_routing: true`, unless it is one larger subnet",
            severity="warning",
        )


def calico(inventory: InventoryFile) -> Iterator[Issue]:
    """Calico's routes get to every node, and its blocks suit the pod network."""
    network = inventory.cluster.network
    if network.plugin is not NetworkPlugin.CALICO:
        return
    settings = network.calico
    if not settings.speaks_bgp and not settings.encapsulation.is_vxlan:
        loc = (*_CALICO, "bgp")
        yield Issue(
            loc,
            f"{dotted(loc)}: encapsulation {settings.encapsulation} needs BGP",
            why="nodes learn the routes to pods over BGP; with vxlan they do not need it",
            next=f"remove `bgp: false`, or set `encapsulation: {Encapsulation.VXLAN}`",
        )
    method, _, expression = settings.address_detection.partition("=")
    if method.endswith("interface"):
        for one in expression.split(","):
            yield from _expression((*_CALICO, "address_detection"), one)
    yield from _blocks(inventory)


def _blocks(inventory: InventoryFile) -> Iterator[Issue]:
    pods, size = inventory.cluster.network.pods, inventory.cluster.network.calico.block_size
    loc = (*_CALICO, "block_size")
    nodes = sum(1 for _ in entries(inventory))
    if size < pods.prefixlen:
        yield Issue(
            loc,
            f"{dotted(loc)}: a block of /{size} is larger than cluster.network.pods {pods}",
            why="blocks are parts of the pod network",
            next=f"use 26, or any from {max(pods.prefixlen, 20)} to 32",
        )
    elif 2 ** (size - pods.prefixlen) < nodes:
        blocks = 2 ** (size - pods.prefixlen)
        yield Issue(
            loc,
            f"{dotted(loc)}: cluster.network.pods {pods} has {blocks} blocks of /{size} for "
            f"{nodes} nodes",
            why="a node without its own block borrows addresses, each of which needs its own route",
            next=f"use a larger pod network or smaller blocks, e.g. {min(size + 2, 32)}",
            severity="warning",
        )


def route_reflectors(inventory: InventoryFile) -> Iterator[Issue]:
    """Route reflectors are hosts, and there is BGP for them."""
    network = inventory.cluster.network
    settings = network.calico
    if network.plugin is not NetworkPlugin.CALICO:
        return
    names = [name for _, _, name, _ in entries(inventory)]
    loc = (*_CALICO, "route_reflectors")
    for index, name in enumerate(settings.route_reflectors):
        if name not in names:
            yield Issue(
                (*loc, index),
                f"{dotted((*loc, index))}: no group has a host {name}",
                next=did_you_mean(name, names) or f"name one of {', '.join(names)}",
            )
    if settings.route_reflectors and not settings.speaks_bgp:
        yield Issue(
            loc,
            f"{dotted(loc)}: BGP is off with encapsulation {settings.encapsulation}",
            why="route reflectors pass on the routes that nodes announce over BGP",
            next="set `bgp: true`, or remove them",
            at_key=True,
        )
    if settings.speaks_bgp and not settings.route_reflectors and len(names) > _MESH:
        yield Issue(
            _CALICO,
            f"{dotted(_CALICO)}: {len(names)} nodes in a full mesh",
            why="each node peers with every other; Calico recommends route reflectors beyond "
            f"{_MESH}",
            next="list two or more hosts in `route_reflectors`",
            severity="warning",
        )


def _expression(loc: Loc, text: str, prefix: str = "") -> Iterator[Issue]:
    """A regular expression that can be read; Go's are near enough to Python's for names."""
    if not text.startswith(prefix):
        return
    try:
        re.compile(text.removeprefix(prefix))
    except re.error as error:
        yield Issue(
            loc,
            f"{dotted(loc)}: {text.removeprefix(prefix)} is not a regular expression: {error}",
            next="write one that matches the interface's name, e.g. eth.*",
        )
