"""What stands between a host and the rest of the cluster."""

from __future__ import annotations

from collections.abc import Sequence

from testinfra.host import Host

from kubeinstall.inventory.model import Cluster, Firewall
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect

_UP = "kubeinstall up --only hosts"
_TRY = """\
for target in {targets}; do
  {{ timeout 4 bash -c "exec 3<>/dev/tcp/${{target%:*}}/${{target##*:}}" 2>/dev/null
    echo "$target $?"; }} &
done
wait"""
_OPENINGS = """\
script=/usr/local/lib/kubeinstall/firewall
[ ! -x $script ] || $script check >/dev/null 2>&1 || echo 'nftables or iptables'
if grep -qsi '^ENABLED=yes' /etc/ufw/ufw.conf; then
  LC_ALL=C ufw show added | grep -q "comment 'kubeinstall'" || echo ufw
fi
if systemctl is-active -q firewalld; then
  firewall-cmd --get-policies | grep -qw kubeinstall-host || echo firewalld
fi"""
_TAKEN = r"""
systemctl is-active -q NetworkManager || exit 0
nmcli -t -f DEVICE,STATE device | grep -v ':unmanaged$' |
  sed -nE 's/^(cali[^:]*|tunl0|vxlan\.calico|flannel[^:]*|cni[^:]*|kube-ipvs0):.*/\1/p'
"""


def other_hosts_answer(host: Host, node: Node, cluster: Cluster) -> None:
    """The API server is reached, and by control planes every kubelet."""
    targets = [cluster.endpoint]
    if node.is_control_plane:
        targets += [f"{other.node_ip}:10250" for other in cluster.hosts if other.name != node.name]
    silent, closed = knock(host, targets)
    expect(not silent, f"no answer from {', '.join(silent)}: a firewall, or the host is off", _UP)
    expect(not closed, f"refused by {', '.join(closed)}", "on that host: ss -ltn")


def knock(host: Host, targets: Sequence[str]) -> tuple[list[str], list[str]]:
    """Try ports from a host, all at once: those that say nothing, and those that refuse.

    Args:
        targets: each ``address:port``.
    """
    if not targets:
        return [], []
    lines = host.run(_TRY.format(targets=" ".join(targets))).stdout.splitlines()
    codes = {target: code for target, _, code in (line.partition(" ") for line in lines)}
    # timeout's code when it had to end the try: packets are dropped on their way.
    silent = [target for target in targets if codes.get(target) == "124"]
    return silent, [t for t in targets if t not in silent and codes.get(t) != "0"]


def firewall_is_open(host: Host, _node: Node, cluster: Cluster) -> None:
    """The firewall that is at work has the cluster's openings."""
    if cluster.spec.firewall is Firewall.OPEN:
        without = host.run(_OPENINGS).stdout.split("\n")
        names = ", ".join(filter(None, without))
        expect(not names, f"the openings are missing in {names}", _UP)


def network_manager_leaves_the_pods(host: Host, _node: Node, _cluster: Cluster) -> None:
    """NetworkManager leaves the pods' interfaces alone."""
    taken = host.run(_TAKEN).stdout.split()
    expect(not taken, f"it manages {', '.join(taken)}", _UP)


CHECKS = (other_hosts_answer, firewall_is_open, network_manager_leaves_the_pods)
