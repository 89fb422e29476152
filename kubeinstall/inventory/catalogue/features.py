"""What addons need of the cluster itself, told by what the inventory says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinstall.inventory.catalogue.model import Addon, ClusterFeature, ClusterNeed
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import entries, settings


def check_features(
    inventory: InventoryFile, addon: Addon, values: Mapping[str, Any]
) -> Iterator[Issue]:
    """What an addon needs, with these values, and the cluster will not have."""
    for need in addon.features(values):
        loc: Loc = ("cluster", "addons", addon.name)
        if need.has is ClusterFeature.COREDNS:
            yield from _coredns(inventory, loc)
        elif need.has is ClusterFeature.STRICT_ARP:
            yield from _strict_arp(inventory, loc)
        else:
            yield from _kubelet_certificates(inventory, loc, need)


def _coredns(inventory: InventoryFile, loc: Loc) -> Iterator[Issue]:
    for phase in inventory.cluster.kubeadm.skip_phases:
        if phase in ("addon", "addon/coredns", "addon/all"):
            yield Issue(
                loc,
                f"{dotted(loc)}: there is no CoreDNS",
                why=f"cluster.kubeadm.skip_phases contains {phase}",
                next=f"remove one of them: {phase} there, or {loc[-1]} here",
                at_key=True,
            )


def _strict_arp(inventory: InventoryFile, loc: Loc) -> Iterator[Issue]:
    proxy = inventory.cluster.kube_proxy
    ipvs = proxy.config.get("ipvs")
    if proxy.mode == "ipvs" and not (isinstance(ipvs, dict) and ipvs.get("strictARP") is True):
        yield Issue(
            loc,
            f"{dotted(loc)}: every node would answer for its addresses",
            why="kube-proxy in mode ipvs assigns the addresses of Services to an interface of "
            "each node",
            next="set `cluster.kube_proxy.config: {ipvs: {strictARP: true}}`",
            at_key=True,
        )


def _kubelet_certificates(inventory: InventoryFile, loc: Loc, need: ClusterNeed) -> Iterator[Issue]:
    without = [
        name
        for _, role, name, entry in entries(inventory)
        if settings(inventory, role, entry).kubelet.fields.get("serverTLSBootstrap") is not True
    ]
    if not without:
        return
    value = next(iter(need.when or {}), "")
    named = ", ".join(without[:3]) + (f" and {len(without) - 3} more" if without[3:] else "")
    yield Issue(
        loc,
        f"{dotted(loc)}: it verifies the serving certificates of kubelets, and those of {named} "
        "are self-signed",
        why="kubelets sign their own unless serverTLSBootstrap is true",
        next="set `kubelet: {config: {serverTLSBootstrap: true}}` in defaults"
        + (f", or `values: {{{value}: insecure}}` here" if value else ""),
        at_key=True,
    )
