"""Take a cluster off a host: what kubeadm takes, and what it leaves."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.cni import IpvsServices, PodRoutes
from kubeinstall.facts.kubeadm import CNI_FILES, INTERFACES, KUBEADM, Leftovers
from kubeinstall.operations.commands import Command

# Only chains of Kubernetes, of CNI plugins and of ours, and what jumps to them: a user's own rules
# stay. A save that fails must not become an empty restore.
_RULES = r"""
set -e
for tool in iptables ip6tables; do
  command -v $tool-save >/dev/null || continue
  rules=$($tool-save 2>/dev/null) || continue
  names='(KUBE|CNI|KUBEINSTALL|FLANNEL|cali)-'
  ours="^:$names|^-A $names| -[jg] $names|--comment \"?cali:"
  if printf '%s\n' "$rules" | grep -qE -e "$ours"; then
    printf '%s\n' "$rules" | grep -vE -e "$ours" | $tool-restore -w
  fi
done"""

# A task may end by itself before it is deleted; one that stays is told by its container, which
# cannot be deleted then. containerd's CRI plugin reads again what there is when it starts.
_CONTAINERS = r"""
set -e
for task in $(ctr -n k8s.io tasks ls -q); do ctr -n k8s.io tasks delete -f "$task" || true; done
for one in $(ctr -n k8s.io containers ls -q); do ctr -n k8s.io containers delete "$one"; done
systemctl restart containerd"""

_SETS = "for name in $(ipset list -n | grep '^cali[46]0'); do ipset destroy $name || exit; done"

_TABLES = r"""
for family in ip ip6; do
  for table in kube-proxy calico flannel-ipv4 flannel-ipv6; do
    ! nft list table $family $table >/dev/null 2>&1 || nft delete table $family $table || exit
  done
done"""

# The kernel's own tunnel device stays as long as its module.
_INTERFACES = rf"""
for name in $(ip -o link show | sed -nE 's/^[0-9]+: ({INTERFACES})[:@].*/\1/p'); do
  ip link delete $name || exit 1
done
! ip -o -4 address show dev tunl0 2>/dev/null | grep -q . ||
  {{ ip address flush dev tunl0 && ip link set tunl0 down; }}"""

# The folders may be links, or file systems of their own, which stay.
_FOLDERS = r"""
set -e
kubelet=$(readlink -f /var/lib/kubelet)
for at in $(findmnt -rno TARGET | grep "^$kubelet/." | sort -r); do umount -l "$at"; done
for at in $(findmnt -rno TARGET | grep '^/run/calico/.' | sort -r); do umount -l "$at"; done
rm -rf --one-file-system /etc/kubernetes /var/lib/cni /var/lib/calico /run/calico /run/flannel
for at in /var/lib/kubelet /var/lib/etcd; do
  [ ! -d $at ] || find $at/ -mindepth 1 -xdev -delete
done"""


@operation()
def kubeadm_reset(cri_socket: str) -> Generator[Command]:
    """``kubeadm reset``, where kubeadm has done anything.

    Args:
        cri_socket: the runtime's socket.
    """
    found = host.get_fact(Leftovers)
    if "kubeadm" in found and "package:kubeadm" in found:
        yield Command(
            f"{KUBEADM} reset -f --cri-socket {shlex.quote(cri_socket)}", stream=True, _timeout=600
        )


@operation()
def containers_gone() -> Generator[Command]:
    """No containers of Kubernetes in containerd: kubeadm leaves them running without crictl.

    A pod network's would go on putting its routes and rules in place.
    """
    if "containers" in host.get_fact(Leftovers):
        yield Command(_CONTAINERS)


@operation()
def routes_gone(unit: str, unit_file: str, script: str, protocol: int) -> Generator[Command]:
    """No unit, script or routes of the bridge network."""
    if "routes" not in host.get_fact(Leftovers):
        return
    yield Command(f"systemctl disable -q --now {unit} || true")
    # The files go last: they are what tells that there is something to do.
    yield Command(f"ip route flush proto {protocol}")
    yield Command(f"rm -f {unit_file} {script} && systemctl daemon-reload")


@operation()
def ipvs_gone() -> Generator[Command]:
    """No IPVS services of kube-proxy; others, such as keepalived's, stay."""
    services = host.get_fact(IpvsServices)
    if services:
        yield Command("\n".join(["set -e", *(f"ipvsadm -D {service}" for service in services)]))


@operation()
def cni_gone(pods: str) -> Generator[Command]:
    """No CNI configuration of ours, and no interfaces and routes that pod networks make.

    Args:
        pods: the pod network.
    """
    found = host.get_fact(Leftovers)
    if "cni" in found:
        yield Command(f"cd /etc/cni/net.d && rm -f {CNI_FILES}")
    if "interfaces" in found:
        yield Command(_INTERFACES)
    for destination in host.get_fact(PodRoutes, pods=pods):
        yield Command(f"ip -4 route flush exact {shlex.quote(destination)}")


@operation()
def rules_gone() -> Generator[Command]:
    """No firewall chains of Kubernetes, CNI plugins or ours; a user's own rules stay."""
    found = host.get_fact(Leftovers)
    if "rules" in found:
        yield Command(_RULES)
    if "sets" in found:
        yield Command(_SETS)
    if "tables" in found:
        yield Command(_TABLES)


@operation()
def folders_gone() -> Generator[Command]:
    """Nothing in the folders of kubelet, etcd, CNI and kubeadm."""
    if "folders" in host.get_fact(Leftovers):
        yield Command("systemctl stop kubelet 2>/dev/null || true")
        yield Command(_FOLDERS)
