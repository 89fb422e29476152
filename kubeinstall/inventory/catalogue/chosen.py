"""The addons of a cluster, each with its release and values, in the order they are applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from kubeinstall.inventory.catalogue.folders import find
from kubeinstall.inventory.catalogue.model import Addon, AddonRelease
from kubeinstall.inventory.catalogue.values import merged
from kubeinstall.inventory.model import AddonChoice, Cluster


@dataclass(frozen=True)
class Chosen:
    """An addon of a cluster.

    Args:
        release: the one for the cluster's Kubernetes.
        values: the inventory's over the addon's own.
    """

    addon: Addon
    release: AddonRelease
    values: dict[str, Any]
    choice: AddonChoice

    @property
    def name(self) -> str:
        return self.addon.name


def chosen(cluster: Cluster) -> list[Chosen]:
    """The pod network's addon, and those that the inventory names; it is checked already.

    Raises:
        UnreadableAddonError: an addon's file changed since the inventory was read.
    """
    found = []
    network = cluster.spec.network
    own = {network.addon: AddonChoice(values=network.values)} if network.addon else {}
    for name, choice in {**own, **cluster.spec.addons}.items():
        addon = find(name, cluster.spec.addon_folders)
        release = addon.release(cluster.version) if addon else None
        if addon and release:
            found.append(Chosen(addon, release, merged(addon, choice.values), choice))
    return found


def needed(one: Chosen, among: Sequence[Chosen]) -> set[str]:
    """The names of the addons that one needs."""
    return {
        other.name
        for need in one.addon.needs(one.values)
        for other in among
        if other.name != one.name and other.addon.provides(need)
    }


def levels(addons: Sequence[Chosen]) -> list[list[Chosen]]:
    """Addons by level: each needs only those of levels before it.

    Raises:
        graphlib.CycleError: some need each other.
    """
    by_name = {one.name: one for one in addons}
    sorter = TopologicalSorter({one.name: needed(one, addons) for one in addons})
    sorter.prepare()
    ordered = []
    while sorter.is_active():
        ready = sorter.get_ready()
        sorter.done(*ready)
        ordered.append([one for name, one in by_name.items() if name in ready])
    return ordered
