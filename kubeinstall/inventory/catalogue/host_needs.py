"""What the addons of a cluster need of every host, all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.catalogue.model import Family, HostNeeds
from kubeinstall.inventory.model import Cluster

_WIREGUARD = "5.6"
"""The first kernel with WireGuard."""


def host_needs(cluster: Cluster) -> HostNeeds:
    """The needs of the pod network and of all addons that the inventory names, each thing once.

    Raises:
        UnreadableAddonError: an addon's file changed since the inventory was read.
    """
    needs = [_network(cluster), *(one.addon.file.hosts for one in chosen(cluster))]
    families: set[Family] = {family for one in needs for family in one.packages}
    return HostNeeds(
        packages={
            family: _once(name for one in needs for name in one.packages.get(family, []))
            for family in sorted(families)
        },
        modules=_once(name for one in needs for name in one.modules),
        sysctls={key: value for one in needs for key, value in one.sysctls.items()},
        services=_once(name for one in needs for name in one.services),
        kernel=max((one.kernel for one in needs if one.kernel), key=numbers, default=None),
    )


def _network(cluster: Cluster) -> HostNeeds:
    modules = list(cluster.spec.network.modules)
    return HostNeeds(modules=modules, kernel=_WIREGUARD if "wireguard" in modules else None)


def numbers(kernel: str) -> tuple[int, int]:
    """The first two numbers of a kernel's release, e.g. (6, 1) of ``6.1.0-40-amd64``."""
    found = re.match(r"([0-9]+)(?:\.([0-9]+))?", kernel)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
