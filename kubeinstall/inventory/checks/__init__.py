"""Checks of an inventory's values in combination, made before connecting to any host.

Each check is a pure function from the inventory to issues. ``CHECKS`` lists the fields that each
check reads: it is skipped if one of them already has an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kubeinstall.inventory.checks import (
    containerd,
    docker,
    hosts,
    kubeadm,
    kubelet,
    networks,
    nodes,
    plugins,
    proxies,
    registries,
    runtimes,
    sources,
    versions,
)
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc

Check = Callable[[InventoryFile], Iterator[Issue]]

_VERSION: Loc = ("cluster", "kubernetes")
_NETWORK: Loc = ("cluster", "network")
_KUBEADM: Loc = ("cluster", "kubeadm")
_KUBE_PROXY: Loc = ("cluster", "kube_proxy")
_RUNTIME: Loc = ("cluster", "runtime")
_LAB: Loc = ("lab",)
_VAGRANT: Loc = ("vagrant",)
_SOURCE: Loc = ("cluster", "source")
_IMAGES: tuple[Loc, ...] = (("cluster", "image_repository"), ("cluster", "image_layout"))
_HOSTS: Loc = ("groups", "*", "hosts", "*")
_ADDRESS: Loc = (*_HOSTS, "address")
_NODE_IP: Loc = (*_HOSTS, "node_ip")


def _settings(*path: str) -> tuple[Loc, ...]:
    """A host setting at each place it can be made."""
    return ("defaults", *path), ("groups", "*", *path), (*_HOSTS, *path)


CHECKS: tuple[tuple[Check, tuple[Loc, ...]], ...] = (
    (versions.known, (_VERSION,)),
    (docker.cri_dockerd, (_VERSION, (*_RUNTIME, "name"), (*_RUNTIME, "cri_dockerd"))),
    (versions.packages, (_VERSION, ("cluster", "packages"), _SOURCE)),
    (versions.image_layout, (_VERSION, *_IMAGES, _SOURCE)),
    (containerd.cri, ((*_RUNTIME, "name"), (*_RUNTIME, "config"))),
    (runtimes.archive, (_RUNTIME,)),
    (runtimes.logs, (_RUNTIME,)),
    (runtimes.helm, (("cluster", "helm"),)),
    (runtimes.classes, ((*_RUNTIME, "name"), (*_RUNTIME, "classes"))),
    (docker.repository_key, ((*_RUNTIME, "repository"),)),
    (registries.accelerators, ((*_RUNTIME, "accelerators"),)),
    (registries.mirrors, (_RUNTIME,)),
    (registries.logins, ((*_RUNTIME, "registries"),)),
    (registries.cas, ((*_RUNTIME, "registries"),)),
    (sources.archive, (("cluster", "packages"),)),
    (versions.packages_key, (("cluster", "packages"),)),
    (versions.kube_proxy_mode, (_VERSION, (*_KUBE_PROXY, "mode"))),
    (versions.certificate_validity, (_VERSION, (*_KUBEADM, "certificate_validity"))),
    (versions.removed_flags, (_VERSION, *_settings("kubelet"))),
    (hosts.control_planes, (_ADDRESS,)),
    (hosts.names, (_ADDRESS, (*_HOSTS, "hostname"))),
    (hosts.addresses, (_ADDRESS, _NODE_IP, *_settings("ssh"))),
    (hosts.node_ips, (_ADDRESS, _NODE_IP)),
    (hosts.logins, (_ADDRESS, *_settings("ssh"))),
    (hosts.sudo, (_ADDRESS, *_settings("ssh"))),
    (hosts.bastions, (_ADDRESS, *_settings("ssh"))),
    (hosts.room_for_pods, (_ADDRESS, *_settings("taints"))),
    (hosts.lab, (_ADDRESS, _LAB)),
    (hosts.vagrant, (_ADDRESS, _VAGRANT)),
    (networks.sizes, (_NETWORK, _ADDRESS)),
    (networks.endpoint, (_NETWORK, ("cluster", "endpoint"))),
    (networks.overlaps, (_NETWORK, _ADDRESS, _NODE_IP, _LAB)),
    (plugins.unused, (_NETWORK,)),
    (plugins.flannel, (_NETWORK, _ADDRESS, _NODE_IP)),
    (plugins.calico, (_NETWORK, _ADDRESS)),
    (plugins.route_reflectors, (_NETWORK, _ADDRESS)),
    (nodes.labels, _settings("labels")),
    (nodes.taints, _settings("taints")),
    (nodes.kubelet_args, _settings("kubelet")),
    (nodes.kubelet_config, (_NETWORK, *_settings("kubelet"))),
    (kubelet.set_twice, (_ADDRESS, *_settings("kubelet"))),
    (kubelet.static_policies, (_ADDRESS, *_settings("kubelet"))),
    (proxies.urls, (("cluster", "proxy"),)),
    (kubeadm.arguments, (_KUBEADM,)),
    (kubeadm.skipped_phases, (_KUBEADM,)),
    (kubeadm.kube_proxy_config, (_KUBE_PROXY,)),
    (kubeadm.sysctls, (("cluster", "sysctls"),)),
)
"""Each check with the places it reads; ``*`` stands for any key."""


def check(inventory: InventoryFile, doubts: Sequence[Loc] = ()) -> Iterator[Issue]:
    """All issues of an inventory.

    Args:
        doubts: places with errors of their own.
    """
    for function, reads in CHECKS:
        if not any(_touch(read, doubt) for read in reads for doubt in doubts):
            yield from function(inventory)


def _touch(read: Loc, doubt: Loc) -> bool:
    """Whether one place holds the other."""
    return all(part == "*" or part == other for part, other in zip(read, doubt, strict=False))
