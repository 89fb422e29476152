"""Labels, taints and kubelet settings of nodes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from kubeinstall.inventory.checks.arguments import OWNED_ELSEWHERE, flags
from kubeinstall.inventory.formats import DNS_NAME
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.model.cluster import DNS_INDEX
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import layers

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SET_BY_KUBELET = frozenset(
    f"{prefix}/{name}"
    for prefix in ("kubernetes.io", "beta.kubernetes.io")
    for name in ("hostname", "arch", "os")
)
_SET_BY_KUBEADM = frozenset(
    {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
)

KUBELET_FLAGS = {
    "node-ip": "set node_ip of the host",
    "hostname-override": "set hostname of the host",
    "node-labels": "set labels",
    "register-with-taints": "set taints",
    "cluster-dns": "it follows from cluster.network.services",
    "cluster-domain": "set cluster.network.dns_domain",
    "config": "set kubelet.config",
    "container-runtime": "set cluster.runtime.name",
    "container-runtime-endpoint": "set cluster.runtime.name",
    **dict.fromkeys(("kubeconfig", "bootstrap-kubeconfig"), OWNED_ELSEWHERE),
}
"""Flags of the kubelet that other settings of the inventory stand for."""


def _key_fault(key: str) -> str:
    """Why a label's or taint's key is none, or nothing."""
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= 253 and re.fullmatch(DNS_NAME, prefix)):
        return f'the part before the slash, "{prefix}", is not a DNS name'
    return _name_fault(name, "name") if name else "it is empty"


def _name_fault(text: str, word: str) -> str:
    if len(text) > 63:
        return f"the {word} is longer than 63 characters"
    if not _NAME.fullmatch(text):
        return (
            f"a {word} consists of letters, digits, '-', '_' and '.', with a letter or digit at "
            "both ends"
        )
    return ""


def labels(inventory: InventoryFile) -> Iterator[Issue]:
    """Labels have the syntax Kubernetes wants and are not somebody else's to set."""
    for loc, layer in layers(inventory):
        for key, value in layer.labels.items():
            place = (*loc, "labels", key)
            yield from _syntax(place, key, value, "label")
            owner = "the kubelet" if key in _SET_BY_KUBELET else ""
            owner = "kubeadm" if key in _SET_BY_KUBEADM else owner
            if owner:
                yield Issue(
                    place,
                    f"{dotted(place)}: {owner} sets this label itself",
                    next="remove it",
                    at_key=True,
                )


def taints(inventory: InventoryFile) -> Iterator[Issue]:
    """Taints have the syntax Kubernetes wants, and none is there twice."""
    for loc, layer in layers(inventory):
        seen: set[tuple[str, str]] = set()
        for index, taint in enumerate(layer.taints or ()):
            place = (*loc, "taints", index)
            yield from _syntax((*place, "key"), taint.key, taint.value, "taint", place)
            if (taint.key, taint.effect) in seen:
                yield Issue(
                    place,
                    f"{dotted(place)}: the taint {taint.key}:{taint.effect} is duplicated",
                    why="a node has at most one taint per key and effect",
                    next="keep one",
                )
            seen.add((taint.key, taint.effect))


def _syntax(
    loc: Loc, key: str, value: str, word: str, holder: Loc | None = None
) -> Iterator[Issue]:
    fault = _key_fault(key)
    if fault:
        yield Issue(
            loc,
            f'{dotted(loc)}: "{key}" is not a {word} key',
            why=fault,
            next=f"write it like example.org/disk-type or disk-type{'' if holder else ': ssd'}",
            at_key=holder is None,
        )
    fault = _name_fault(value, "value") if value else ""
    if fault:
        place = (*holder, "value") if holder else loc
        yield Issue(place, f'{dotted(place)}: "{value}" is not a {word} value', why=fault)


def kubelet_args(inventory: InventoryFile) -> Iterator[Issue]:
    """Kubelet flags are named without dashes and are not other settings' business."""
    for loc, layer in layers(inventory):
        yield from flags((*loc, "kubelet", "extra_args"), layer.kubelet.extra_args, KUBELET_FLAGS)


def kubelet_config(inventory: InventoryFile) -> Iterator[Issue]:
    """KubeletConfiguration fields that follow from other settings do not contradict them."""
    network = inventory.cluster.network
    wanted: dict[str, tuple[str | list[str], str]] = {
        "cgroupDriver": ("systemd", "the runtime is configured with it"),
        "clusterDomain": (network.dns_domain, "it is cluster.network.dns_domain"),
        "kind": ("KubeletConfiguration", "it is the document's kind"),
        "apiVersion": ("kubelet.config.k8s.io/v1beta1", "it is the document's API"),
        "staticPodPath": (
            "/etc/kubernetes/manifests",
            "kubeadm writes the control plane's manifests there",
        ),
    }
    if network.services.num_addresses > DNS_INDEX:
        dns = inventory.cluster.cluster_dns
        why = "it is the tenth address of cluster.network.services"
        if dns != str(network.services[DNS_INDEX]):
            why = "with kube-proxy in mode ipvs, pods query the addon nodelocaldns"
        wanted["clusterDNS"] = ([dns], why)
    for loc, layer in layers(inventory):
        for key, (value, why) in wanted.items():
            place = (*loc, "kubelet", "config", key)
            said = layer.kubelet.config.get(key, value)
            if said != value:
                what = f"{dotted(place)}: {json.dumps(said)} is not {json.dumps(value)}"
                yield Issue(place, what, why, "remove it; kubeinstall sets it")
