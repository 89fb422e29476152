"""Flags of the kubelet that somebody else has set: they win over the inventory's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyinfra.context import host

from kubeinstall.facts.flags import Flags
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files import kubelet as files
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations.kubelet import UNIT

FILES = ("/etc/default/kubelet", "/etc/sysconfig/kubelet")
"""Where deb and rpm packages look for KUBELET_EXTRA_ARGS."""
USUAL = "kubelet $KUBELET_EXTRA_ARGS"
_KUBEADMS = ("KUBELET_KUBECONFIG_ARGS", "KUBELET_CONFIG_ARGS", "KUBELET_KUBEADM_ARGS")
_BY_KUBEADM = ("bootstrap-kubeconfig", "config", "kubeconfig")
_SOCKET = "container-runtime-endpoint"


def wanted(cluster: Cluster, node: Host) -> Mapping[str, str]:
    """The flags that may have no other value than this; empty: kubeadm's value.

    A field of the configuration has a flag of the same name, which wins over it.
    """
    fields = {
        "cgroupDriver": "systemd",
        "clusterDNS": cluster.spec.cluster_dns,
        **node.kubelet.fields,
    }
    return {
        **dict.fromkeys(_BY_KUBEADM, ""),
        **{
            _flag(name): files.flag_text(value)
            for name, value in fields.items()
            if isinstance(value, str | int | float)
        },
        _SOCKET: files.as_url(kubeadm_files.cri_socket(cluster)),
        "hostname-override": node.hostname,
        "node-ip": node.node_ip,
        **{name: files.flag_text(value) for name, value in node.kubelet.extra_args.items()},
    }


def check(cluster: Cluster, node: Host) -> None:
    """Whether nothing on the host gives the kubelet other flags in the place of ours.

    Raises:
        KubeinstallError: something does.
    """
    line = host.get_fact(Flags, unit=UNIT, files=FILES, usual=USUAL)
    ours = wanted(cluster, node)
    for flag in line.flags:
        value = files.as_url(flag.value) if flag.name == _SOCKET else flag.value
        if flag.variable in _KUBEADMS or ours.get(flag.name, value) == value:
            continue
        want = ours[flag.name] or "the value that kubeadm sets"
        raise KubeinstallError(
            Finding(
                Kind.PREFLIGHT,
                f"{flag.holder} sets --{flag.name}={flag.value} instead of {want}",
                (host.name,),
                why="the last flag wins, and a flag overrides the configuration file of the "
                "kubelet",
                next=f"on {host.name}: remove --{flag.name} from {flag.holder}; if you need it, "
                "set it in the host's kubelet settings in the inventory",
            )
        )


def _flag(field: str) -> str:
    """``max-pods`` of ``maxPods``, ``cluster-dns`` of ``clusterDNS``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", field).lower()
