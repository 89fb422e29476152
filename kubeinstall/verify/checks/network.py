"""What stands between a host and the rest of the cluster."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from testinfra.host import Host

from kubeinstall.files.network import CNI_FILES
from kubeinstall.inventory.model import Cluster, Firewall, NetworkPlugin
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import Here, expect, up

_UP = up("--only hosts")
_TRY = """\
for target in {targets}; do
  {{ timeout 4 bash -c 'exec 3<>"/dev/tcp/${{1%:*}}/${{1##*:}}"' - "$target" 2>/dev/null
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
    """The host reaches the API server; a control plane also reaches every kubelet."""
    targets = [cluster.endpoint]
    if node.is_control_plane:
        targets += [f"{other.node_ip}:10250" for other in cluster.hosts if other.name != node.name]
    silent, closed = knock(host, targets)
    expect(not silent, f"no answer from {', '.join(silent)}: a firewall, or the host is off", _UP)
    expect(not closed, f"refused by {', '.join(closed)}", _listeners(cluster, closed))


def _listeners(cluster: Cluster, closed: Sequence[str]) -> Here:
    """The command that shows what listens on the first of these, on its own host."""
    address, _, port = next(iter(closed), "").rpartition(":")
    names = {host.node_ip: host.name for host in cluster.hosts}
    return Here(f"on {names.get(address, address)}: ss -ltn 'sport = :{port}'")


def knock(host: Host, targets: Sequence[str]) -> tuple[list[str], list[str]]:
    """Try ports from a host, all at once: those that do not answer, and those that refuse.

    Args:
        targets: each ``address:port``.
    """
    if not targets:
        return [], []
    lines = host.run(_TRY.format(targets=shlex.join(targets))).stdout.splitlines()
    codes = {target: code for target, _, code in (line.partition(" ") for line in lines)}
    # timeout's code when it had to end the try: packets are dropped on their way.
    silent = [target for target in targets if codes.get(target) == "124"]
    return silent, [t for t in targets if t not in silent and codes.get(t) != "0"]


def firewall_is_open(host: Host, _node: Node, cluster: Cluster) -> None:
    """The active firewall has the cluster's rules."""
    if cluster.spec.firewall is Firewall.OPEN:
        without = host.run(_OPENINGS).stdout.split("\n")
        names = ", ".join(filter(None, without))
        expect(not names, f"kubeinstall's rules are missing in {names}", _UP)


def network_manager_leaves_the_pods(host: Host, _node: Node, _cluster: Cluster) -> None:
    """NetworkManager does not manage the pods' interfaces."""
    taken = host.run(_TAKEN).stdout.split()
    expect(not taken, f"it manages {', '.join(taken)}", _UP)


def pods_get_the_clusters_network(host: Host, _node: Node, cluster: Cluster) -> None:
    """The first CNI configuration by name, which runtimes use, is that of the pod network."""
    wanted = [n for n, plugin in CNI_FILES.items() if plugin is cluster.spec.network.plugin]
    found = host.run("ls /etc/cni/net.d 2>/dev/null").stdout.split()
    files = sorted(name for name in found if name.endswith((".conf", ".conflist", ".json")))
    first = files[0] if files else "nothing"
    expect(
        not wanted or first in wanted,
        f"the pod network comes from {first}, not from {', '.join(wanted)}",
        up(),
    )


def pods_of_other_nodes_have_routes(host: Host, _node: Node, cluster: Cluster) -> None:
    """There is a route to the pods of every other node."""
    network = cluster.spec.network
    if network.plugin is NetworkPlugin.BRIDGE or network.overlay:
        shown = host.run(f"ip -4 -o route show root {network.pods}").stdout.splitlines()
        routes = [route for route in shown if " dev cni0 " not in f"{route} "]
        others = len(cluster.hosts) - 1 + sum(bool(other.pod_cidr) for other in cluster.others)
        expect(
            len(routes) >= others or (len(routes) == 1 and routes[0].startswith(str(network.pods))),
            f"{len(routes)} routes to pods of {others} other nodes",
            "on it: ip route; for the network's pods: kubectl get pods -A -o wide",
        )


CHECKS = (
    other_hosts_answer,
    firewall_is_open,
    network_manager_leaves_the_pods,
    pods_get_the_clusters_network,
    pods_of_other_nodes_have_routes,
)
