"""Ranges of addresses among an addon's values: they are ranges, and nobody else's.

A value is one where its schema says ``format: address-range``: a network or ``FIRST-LAST``, as
MetalLB's IPAddressPool has it (its internal/config, ParseCIDR).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from kubeinstall.inventory.catalogue.model import Addon
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import entries

FORMAT = "address-range"
Address = IPv4Address | IPv6Address
Range = tuple[Address, Address]
"""First and last."""


def check_ranges(
    inventory: InventoryFile, addon: Addon, values: Mapping[str, Any]
) -> Iterator[Issue]:
    """Ranges that are none, that overlap with each other, or with what the cluster has."""
    taken: list[tuple[Range, str]] = list(_taken(inventory))
    for place, text in _ranges({"properties": addon.file.values}, values):
        loc: Loc = ("cluster", "addons", addon.name, "values", *place)
        try:
            found = parse(text)
        except ValueError as error:
            yield Issue(loc, f"{dotted(loc)}: {text} is not a range of addresses", str(error))
            continue
        whose = [name for other, name in taken if _overlap(found, other)]
        if whose:
            more = f" and {len(whose) - 2} more" if whose[2:] else ""
            yield Issue(
                loc,
                f"{dotted(loc)}: {text} overlaps with {' and '.join(whose[:2])}{more}",
                why="the same address would be in use twice",
                next="use free addresses of the hosts' network",
            )
        taken.append((found, f"{text} at {dotted(loc)}"))


def parse(text: str) -> Range:
    """A network or ``FIRST-LAST`` as its first and last address.

    Raises:
        ValueError: it is neither, or it ends before it begins.
    """
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash:
        network = ip_network(text, strict=False)
        return network[0], network[-1]
    begin, end = ip_address(first), ip_address(last)
    if begin.version != end.version:
        raise ValueError("its ends are of different address families")
    if int(begin) > int(end):
        raise ValueError("its end is before its start")
    return begin, end


def _overlap(one: Range, other: Range) -> bool:
    same = one[0].version == other[0].version
    return same and int(one[0]) <= int(other[1]) and int(other[0]) <= int(one[1])


def _taken(inventory: InventoryFile) -> Iterator[tuple[Range, str]]:
    """What the cluster has already."""
    network = inventory.cluster.network
    for name, cidr in (("pods", network.pods), ("services", network.services)):
        yield (cidr[0], cidr[-1]), f"cluster.network.{name} {cidr}"
    single = [
        (f"{dotted((*loc, key))} {address}", address)
        for loc, _, _, entry in entries(inventory)
        for key in ("address", "node_ip")
        if (address := getattr(entry, key)) is not None
    ]
    if inventory.lab:
        lab = inventory.lab
        single += [(f"lab.{n} {a}", a) for n in ("mirror", "bastion") if (a := getattr(lab, n))]
    for name, address in single:
        yield (address, address), name
    try:
        given = inventory.cluster.endpoint
        api = ip_address(given.host) if given else None
    except ValueError:
        return
    if api and str(api) not in [str(address) for _, address in single]:
        yield (api, api), f"cluster.endpoint.host {api}"


def _ranges(schema: Any, value: Any, place: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Values that are ranges by their schema and have its pattern, each with its place."""
    if not isinstance(schema, Mapping):
        return
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _ranges(schema.get("properties", {}).get(name), each, (*place, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _ranges(schema.get("items"), each, (*place, index))
    elif isinstance(value, str) and schema.get("format") == FORMAT:
        yield from [(place, value)] if re.search(schema.get("pattern", ""), value) else []
