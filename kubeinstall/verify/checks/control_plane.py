"""Every control plane."""

from __future__ import annotations

from testinfra.host import Host

from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect

_PORTS = (6443, 2379, 2380, 10257, 10259)


def ports_are_listened_on(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The API server, etcd, the controller manager and the scheduler listen on their ports."""
    lines = host.check_output("ss -Htln").splitlines()
    open_ports = {line.split()[3].rpartition(":")[2] for line in lines}
    closed = [str(port) for port in _PORTS if str(port) not in open_ports]
    expect(not closed, f"nothing listens on {', '.join(closed)}", "crictl ps -a || docker ps -a")


def api_server_is_ready(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The API server reports that it and etcd are ready."""
    answer = host.run(f"{KUBECTL} get --raw '/readyz?verbose'")
    bad = [line for line in answer.stdout.splitlines() if line.startswith("[-]")]
    said = "; ".join(bad) or " ".join(answer.stderr.split())
    expect(answer.rc == 0, f"it is not: {said}", f"{KUBECTL} get --raw '/readyz?verbose'")


def admin_kubeconfig_is_private(host: Host, _node: Node, _cluster: Cluster) -> None:
    """Only root can read the administrator's kubeconfig."""
    mode = host.check_output("stat -c %a /etc/kubernetes/admin.conf")
    expect(mode == "600", f"its mode is {mode}", "chmod 600 /etc/kubernetes/admin.conf")


CHECKS = (ports_are_listened_on, api_server_is_ready, admin_kubeconfig_is_private)
