"""Kubelet settings that are there by name and again otherwise, or that need others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubeinstall.inventory.model import HostSettings, InventoryFile
from kubeinstall.inventory.model.nodes import KUBELET_FIELDS
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import entries, layers_of, settings


def set_twice(inventory: InventoryFile) -> Iterator[Issue]:
    """A KubeletConfiguration field is set by its name in the inventory or in ``config``."""
    seen: set[Loc] = set()
    for loc, _, _, entry in entries(inventory):
        above = layers_of(inventory, loc, entry)
        for key, field in KUBELET_FIELDS.items():
            named = [at for at, layer in above if getattr(layer.kubelet, key)]
            configured = [at for at, layer in above if field in layer.kubelet.config]
            if not (named and configured):
                continue
            place = (*configured[-1], "kubelet", "config", field)
            if place not in seen:
                seen.add(place)
                other = dotted((*named[-1], "kubelet", key))
                yield Issue(
                    place,
                    f"{dotted(place)}: {other} sets this field as well",
                    next="keep one of them",
                    at_key=True,
                )


def static_policies(inventory: InventoryFile) -> Iterator[Issue]:
    """A static policy has something reserved, without which the kubelet does not start."""
    told: set[Loc] = set()
    for loc, role, _, entry in entries(inventory):
        kubelet = settings(inventory, role, entry).kubelet
        fields = kubelet.fields
        reserved = [fields.get(name) or {} for name in ("kubeReserved", "systemReserved")]
        for key, missing, wanted in (
            (
                "cpu_manager_policy",
                kubelet.cpu_manager_policy == "static"
                and not fields.get("reservedSystemCPUs")
                and not any(part.get("cpu") for part in reserved),
                "set cpu in kube_reserved or system_reserved",
            ),
            (
                "memory_manager_policy",
                kubelet.memory_manager_policy == "Static" and not fields.get("reservedMemory"),
                "set reservedMemory in config, for each NUMA node",
            ),
        ):
            place = (*_nearest(layers_of(inventory, loc, entry), key), "kubelet", key)
            if missing and place not in told:
                told.add(place)
                value = getattr(kubelet, key)
                yield Issue(
                    place,
                    f"{dotted(place)}: {value} needs reserved resources",
                    why="the kubelet does not start without them",
                    next=wanted,
                )


def _nearest(above: Iterable[tuple[Loc, HostSettings]], key: str) -> Loc:
    """The place that a host has the setting from."""
    found = [at for at, layer in above if getattr(layer.kubelet, key)]
    return found[-1] if found else ("defaults",)
