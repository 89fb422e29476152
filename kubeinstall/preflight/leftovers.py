"""What an earlier cluster left on a host, and a control plane that has moved."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinstall.files.control_plane import wanted
from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations.control_plane_decision import left_words, moved_words
from kubeinstall.operations.control_plane_decision import moved as has_moved
from kubeinstall.preflight.probe import Probe
from kubeinstall.preflight.rule import error


def moved(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """The control plane on it goes by another address: etcd would not start with a new one."""
    if host.is_control_plane and has_moved(probe.in_use, probe.members, host.node_ip):
        said = moved_words((*probe.in_use, *probe.members), host.node_ip)
        yield error(host.name, said.what, said.why, said.next)


def left(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """etcd data without a control plane, in the way of ``kubeadm init``."""
    if probe.etcd_left and not wanted(cluster, None).takes_files:
        said = left_words(cluster.command("reset", "--limit", host.name))
        yield error(host.name, said.what, said.why, said.next)
