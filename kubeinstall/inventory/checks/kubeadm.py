"""kubeadm's settings and the documents that go with them."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.inventory.checks.arguments import OWNED_ELSEWHERE, flags
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.suggestions import nearest

_SERVICES = "set cluster.network.services"
_API_SERVER = {
    "service-cluster-ip-range": _SERVICES,
    **dict.fromkeys(("advertise-address", "etcd-servers", "secure-port"), OWNED_ELSEWHERE),
}
_CONTROLLER_MANAGER = {
    "service-cluster-ip-range": _SERVICES,
    "cluster-cidr": "set cluster.network.pods",
    "cluster-name": "set cluster.name",
    **dict.fromkeys(("allocate-node-cidrs", "kubeconfig"), OWNED_ELSEWHERE),
}
_SCHEDULER = {"kubeconfig": OWNED_ELSEWHERE}
_ETCD = dict.fromkeys(
    ("advertise-client-urls", "initial-advertise-peer-urls", "initial-cluster", "name"),
    OWNED_ELSEWHERE,
)
_PHASES = (
    "addon",
    "bootstrap-token",
    "certs",
    "control-plane",
    "etcd",
    "kubeconfig",
    "kubelet-finalize",
    "kubelet-start",
    "mark-control-plane",
    "preflight",
    "show-join-command",
    "upload-certs",
    "upload-config",
    "wait-control-plane",
)
_PROXY_FIELDS = {
    "mode": "set cluster.kube_proxy.mode",
    "clusterCIDR": "set cluster.network.pods",
    "kind": "remove it; it is KubeProxyConfiguration",
    "apiVersion": "remove it; it is kubeproxy.config.k8s.io/v1alpha1",
}


def arguments(inventory: InventoryFile) -> Iterator[Issue]:
    """Extra arguments are named as flags are and are not other settings' business."""
    kubeadm = inventory.cluster.kubeadm
    for key, owned in (
        ("api_server_args", _API_SERVER),
        ("controller_manager_args", _CONTROLLER_MANAGER),
        ("scheduler_args", _SCHEDULER),
        ("etcd_args", _ETCD),
    ):
        yield from flags(("cluster", "kubeadm", key), getattr(kubeadm, key), owned)


def skipped_phases(inventory: InventoryFile) -> Iterator[Issue]:
    """Phases to skip are phases of ``kubeadm init``."""
    loc: Loc = ("cluster", "kubeadm", "skip_phases")
    for index, phase in enumerate(inventory.cluster.kubeadm.skip_phases):
        if phase.partition("/")[0] not in _PHASES:
            near = nearest(phase, list(_PHASES))
            yield Issue(
                (*loc, index),
                f'{dotted(loc)}: kubeadm init has no phase "{phase}"',
                why="" if near else f"its phases are {', '.join(_PHASES)}",
                next=f"did you mean {near}?" if near else "",
            )


def kube_proxy_config(inventory: InventoryFile) -> Iterator[Issue]:
    """KubeProxyConfiguration fields with a setting of their own are set there."""
    for key, advice in _PROXY_FIELDS.items():
        if key in inventory.cluster.kube_proxy.config:
            loc: Loc = ("cluster", "kube_proxy", "config", key)
            yield Issue(
                loc, f"{dotted(loc)}: kubeinstall sets this field", next=advice, at_key=True
            )


def sysctls(inventory: InventoryFile) -> Iterator[Issue]:
    """Sysctl values are one line, and those the cluster needs keep their value."""
    needed = {
        "net.ipv4.ip_forward": "1",
        "net.bridge.bridge-nf-call-iptables": "1",
    }
    for key, value in inventory.cluster.sysctls.items():
        loc: Loc = ("cluster", "sysctls", key)
        name = key.replace("/", ".")
        if "\n" in str(value):
            yield Issue(
                loc, f"{dotted(loc)}: the value has a line break", next="write it on one line"
            )
        elif name in needed and str(value) != needed[name]:
            yield Issue(
                loc,
                f"{dotted(loc)} must be {needed[name]}",
                why="otherwise pods and Services cannot be reached",
                next="remove it; kubeinstall sets it",
            )
