"""Ports that Kubernetes needs and that something else has."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.preflight.probe import Probe
from kubeinstall.preflight.rule import error

_PORTS = (6443, 2379, 2380, 10250, 10257, 10259)


def ports(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """Ports of Kubernetes' that something else listens on."""
    wanted = _PORTS if host.is_control_plane else (10250,)
    for port in wanted if not probe.node else ():
        program = probe.ports.get(port)
        if program is not None and not program.startswith("kube"):
            by = f" by {program}" if program else ""
            what = f"port {port} is in use{by}, and the host is not a node yet"
            yield error(host.name, what, "Kubernetes needs it", f"ss -ltnp 'sport = :{port}'")
