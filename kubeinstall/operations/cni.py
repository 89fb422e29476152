"""The bridge network, made live."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from ipaddress import IPv4Address, IPv4Network

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.cni import BridgeAddress, CniFiles, Routes
from kubeinstall.facts.services import Unit
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command

_NETWORKS = re.compile(r"antrea|calico|canal|cilium|flannel|kube-?router|kubeinstall|kindnet|weave")


@operation()
def routes(
    wanted: Mapping[str, str], protocol: int, unit: str, files: tuple[str, ...]
) -> Generator[Command]:
    """The unit is enabled, has run with what its files say now, and its routes are live.

    Args:
        wanted: pod network to the address it is reached by.
        protocol: the routes' protocol number.
        unit: the systemd unit that makes them.
        files: the unit's and the script's path.
    """
    state = host.get_fact(Unit, unit=unit, configs=files)
    live = host.get_fact(Routes, protocol=protocol)
    ran = state.is_active and not state.outdated
    if not (ran and state.is_enabled and live.chains and live.routes == dict(wanted)):
        yield Command(f"systemctl daemon-reload && systemctl enable -q {unit}")
        yield Command(f"systemctl restart {unit}")


@operation()
def others_aside(own: str) -> Generator[Command]:
    """On a host that is no node yet: no CNI configuration that pods would get instead of ours.

    Runtimes take the first file by name. What another pod network of Kubernetes left, and what
    sorts before ours, is kept beside as ``*.before-kubeinstall``; other programs' files (Podman's)
    stay.

    Args:
        own: the name of the plugin's own file.
    """
    for name in host.get_fact(CniFiles):
        if name != own and (name < own or _NETWORKS.search(name)):
            yield Command(backups.aside(f"/etc/cni/net.d/{name}"))


@operation()
def bridge(pod_cidr: str) -> Generator[Command]:
    """No bridge from an earlier time with another pod network; the CNI plugin makes it again.

    A node that left the cluster and came back has another share of the pod network, and the plugin
    refuses a bridge with another address.

    Args:
        pod_cidr: the node's share of the pod network.
    """
    address = host.get_fact(BridgeAddress)
    if address and IPv4Address(address) not in IPv4Network(pod_cidr):
        yield Command("ip link delete cni0")
