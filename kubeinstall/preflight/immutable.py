"""What a cluster was made with and keeps, against the inventory: pure decisions.

``inventory/changes.py`` says of every field what a change of it does; here is what is behind those
that are refused or reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubeinstall.cluster.settings import Settings
from kubeinstall.files.kubeadm import kube_proxy_configuration
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster, NetworkPlugin

_PKI = "on {}: mv /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key /root/"
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@dataclass(frozen=True)
class Fixed:
    """A field whose value a running cluster keeps.

    Args:
        path: the field in the inventory.
        title: what it is of the cluster.
        has: the cluster's value; None: not known.
        wants: the inventory's.
        why: what would come of another value.
        then: what to do where going back is not what the user wants.
    """

    path: str
    title: str
    has: Callable[[Settings], object]
    wants: Callable[[Cluster], object]
    why: str
    then: str = ""


REFUSED = (
    Fixed(
        "cluster.name",
        "name",
        lambda s: s.name,
        lambda c: c.spec.name,
        "kubeconfigs and kubeadm's own configuration use it",
    ),
    Fixed(
        "cluster.endpoint",
        "endpoint",
        lambda s: s.endpoint,
        lambda c: c.endpoint,
        "every kubelet and kubeconfig contains the address, and so does the API server's "
        "certificate",
    ),
    Fixed(
        "cluster.network.pods",
        "pod network",
        lambda s: s.pods,
        lambda c: c.spec.network.pods,
        "nodes keep the ranges of it that they were assigned, and pods keep their addresses",
    ),
    Fixed(
        "cluster.network.services",
        "service network",
        lambda s: s.services,
        lambda c: c.spec.network.services,
        "Services keep their addresses, including that of the cluster's DNS",
    ),
    Fixed(
        "cluster.network.dns_domain",
        "DNS domain",
        lambda s: s.dns_domain,
        lambda c: c.spec.network.dns_domain,
        "CoreDNS answers for the domain it was created with, and running pods search that domain",
    ),
    Fixed(
        "cluster.network.calico.block_size",
        "Calico block size",
        lambda s: s.block_size,
        # Without Calico in the inventory, it is the pod network that is another one.
        lambda c: c.spec.network.calico.block_size if _calico(c) else None,
        "nodes have blocks of the size that the pool was created with",
    ),
    Fixed(
        "cluster.kube_proxy.mode",
        "kube-proxy mode",
        lambda s: s.proxy_mode,
        lambda c: c.spec.kube_proxy.mode,
        "kube-proxy reads it when it starts, and the rules of the old mode stay behind",
        "to change it by hand: edit the ConfigMap kube-system/kube-proxy, restart its DaemonSet, "
        "restart the hosts one by one, then set it here",
    ),
)
"""What a run refuses, before it changes anything."""

_OWN = "kubeadm's own"
_NEXT_INIT = "kubeadm reads it when it creates or upgrades a cluster"
REPORTED = (
    Fixed(
        "cluster.image_repository",
        "image repository",
        lambda s: s.image_repository,
        lambda c: c.image_repository,
        "new images come from the repository in the inventory; the control plane's pods keep "
        "their images until an upgrade",
    ),
    Fixed(
        "cluster.image_layout",
        "image repository of CoreDNS",
        lambda s: s.name and (s.dns_repository or _OWN),
        lambda c: c.dns_repository or _OWN,
        "CoreDNS keeps its image until an upgrade",
    ),
    Fixed(
        "cluster.kubeadm.feature_gates",
        "kubeadm feature gates",
        lambda s: _listed(s.feature_gates),
        lambda c: _listed(c.spec.kubeadm.feature_gates),
        _NEXT_INIT,
    ),
    Fixed(
        "cluster.kubeadm.certificate_validity",
        "certificate validity",
        lambda s: s.name and (s.certificate_validity or _OWN),
        lambda c: c.spec.kubeadm.certificate_validity or _OWN,
        _NEXT_INIT,
    ),
)
"""What a run reports and goes on: it does no harm, but it does nothing, either."""


def _calico(cluster: Cluster) -> bool:
    return cluster.spec.network.plugin is NetworkPlugin.CALICO


def refused(cluster: Cluster, settings: Settings, host: str) -> Iterator[Finding]:
    """The inventory says something that this cluster cannot become.

    Args:
        host: the control plane that the settings are from.
    """
    for fixed in REFUSED:
        has, wants = fixed.has(settings), fixed.wants(cluster)
        if has is None or wants is None or _same(has, wants):
            continue
        reset = f"{cluster.command('reset')}, then up"
        another = fixed.then or f"to change it, create a new cluster: {reset}"
        yield Finding(
            Kind.PREFLIGHT,
            f"the cluster's {fixed.title} is {has}, but the inventory says {wants}",
            (host,),
            fixed.why,
            f"set {fixed.path} back to {has}; {another}",
        )


def reported(cluster: Cluster, settings: Settings, host: str) -> Iterator[Finding]:
    """The inventory says something that has no effect on this cluster.

    Args:
        host: the control plane that the settings are from.
    """
    for fixed in REPORTED:
        has, wants = fixed.has(settings), fixed.wants(cluster)
        if has is None or _same(has, wants):
            continue
        yield _warning(
            host,
            f"the cluster's {fixed.title} is {has}, but the inventory says {wants}; it stays as "
            "it is",
            fixed.why,
            f"set {fixed.path} back to {has}, or leave it to apply to the next cluster",
        )
    yield from _certificate_names(cluster, settings, host)
    yield from _proxy_configuration(cluster, settings, host)
    yield from _skipped(cluster, settings, host)


def _certificate_names(cluster: Cluster, settings: Settings, host: str) -> Iterator[Finding]:
    wanted = cluster.spec.kubeadm.cert_sans
    has = settings.cert_sans
    missing = [name for name in wanted if has is not None and name not in has]
    if missing:
        yield _warning(
            host,
            f"the API server's certificate was not created for {', '.join(missing)}",
            "kubeadm adds the names in cluster.kubeadm.cert_sans only when it creates the "
            "certificate",
            f"add them to certSANs: kubectl -n kube-system edit configmap kubeadm-config; "
            f"{_PKI.format(host)}; kubeadm init phase certs apiserver --config with "
            "that ClusterConfiguration; then restart the API server",
        )


def _proxy_configuration(cluster: Cluster, settings: Settings, host: str) -> Iterator[Finding]:
    if settings.proxy is None:
        return
    wanted = {k: v for k, v in kube_proxy_configuration(cluster).items() if k not in _OURS}
    other = [path for path, _ in _differences(wanted, settings.proxy)]
    if other:
        yield _warning(
            host,
            f"kube-proxy does not have the inventory's {', '.join(other)}; it stays as it is",
            "kubeadm applies cluster.kube_proxy.config when it creates a cluster",
            "by hand: kubectl -n kube-system edit configmap kube-proxy, then kubectl -n "
            "kube-system rollout restart daemonset kube-proxy",
        )


_OURS = ("apiVersion", "kind", "mode")


def _skipped(cluster: Cluster, settings: Settings, host: str) -> Iterator[Finding]:
    """kube-proxy was made, and the inventory leaves it out now."""
    skipped = {"addon", "addon/kube-proxy"} & set(cluster.spec.kubeadm.skip_phases)
    if skipped and settings.proxy is not None:
        yield _warning(
            host,
            f"the cluster has kube-proxy, though kubeadm.skip_phases says {min(skipped)}",
            "kubeadm skips phases only when it creates a cluster; nothing is removed later",
            "to remove it, once something else does its work: kubectl -n kube-system delete "
            "daemonset,configmap kube-proxy",
        )


def _differences(
    wanted: Mapping[str, Any], found: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, object]]:
    """The settings that are wanted and not found, by their paths."""
    for key, value in wanted.items():
        below = found.get(key)
        if isinstance(value, dict):
            inner = below if isinstance(below, dict) else {}
            yield from _differences(value, inner, f"{path}{key}.")
        elif not _same(below, value):
            yield f"{path}{key}", value


def _same(one: object, other: object) -> bool:
    """Whether two values mean the same: of durations, Kubernetes writes 24h as 24h0m0s."""
    if one == other:
        return True
    if not (isinstance(one, str) and isinstance(other, str)):
        return False
    times = [_DURATION.fullmatch(text) for text in (one, other) if text]
    seconds = [
        sum(int(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True))
        for found in times
        if found
    ]
    return len(seconds) == 2 and seconds[0] == seconds[1]


def _listed(gates: Mapping[str, bool] | None) -> str | None:
    if gates is None:
        return None
    return ", ".join(f"{name}={str(on).lower()}" for name, on in sorted(gates.items())) or "none"


def _warning(host: str, what: str, why: str, then: str) -> Finding:
    return Finding(Kind.PREFLIGHT, what, (host,), why, then, "warning")
