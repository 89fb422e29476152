"""The bridge network as it is live on a host."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.values import ip, ipv4, ipv4_network, port


@dataclass(frozen=True)
class RoutesState:
    """Routes and chains of the bridge network.

    Args:
        routes: pod network to the address it is reached by.
        chains: both of our firewall chains are there and used.
    """

    routes: dict[str, str]
    chains: bool = False


class Routes(FactBase[RoutesState]):
    """The routes of a protocol number, and our chains."""

    @staticmethod
    def default() -> RoutesState:
        return RoutesState({})

    def command(self, protocol: int) -> str:
        return f"""
ip -o route show proto {protocol} 2>/dev/null | sed 's/^/route /'
iptables -w -t nat -C POSTROUTING -j KUBEINSTALL-MASQ 2>/dev/null &&
  iptables -w -t filter -C FORWARD -j KUBEINSTALL-FORWARD 2>/dev/null && echo chains
true"""

    def process(self, output: list[str]) -> RoutesState:
        words = [line.split() for line in output]
        # A host's own routes are of one address without a prefix now and then: 10.244.1.7 via ...
        routes = {
            w[1]: str(ipv4(w[3]))
            for w in words
            if w[:1] == ["route"] and w[2:3] == ["via"] and len(w) > 3 and ipv4_network(w[1])
        }
        return RoutesState(routes, ["chains"] in words)


class BridgeAddress(FactBase[str]):
    """The IPv4 address of the pods' bridge; empty where it has none."""

    @staticmethod
    def default() -> str:
        return ""

    def command(self) -> str:
        return "ip -4 -o address show dev cni0 2>/dev/null || true"

    def process(self, output: list[str]) -> str:
        found = [line.split()[3] for line in output if line.split()[2:3] == ["inet"]]
        return str(ipv4(found[0].partition("/")[0])) if found else ""


class PodRoutes(FactBase[tuple[str, ...]]):
    """Where the routes to pods of other nodes go, e.g. ``10.244.1.0/24``.

    Not those that the kernel has for an address of an interface: they go with it, and it may be
    somebody else's.

    Args:
        pods: the pod network.
    """

    @staticmethod
    def default() -> tuple[str, ...]:
        return ()

    def command(self, pods: str) -> str:
        return f"ip -4 -o route show root {shlex.quote(pods)} 2>/dev/null || true"

    def process(self, output: list[str]) -> tuple[str, ...]:
        added = (line.split() for line in output if " proto kernel " not in f"{line} ")
        # blackhole 10.244.1.0/26 proto 80: a type of route comes before where it goes.
        found = (next((word for word in words if word[0].isdigit()), "") for words in added)
        # As the host writes it: it knows 10.244.1.7 from 10.244.1.7/32 when a route is taken away.
        return tuple(dict.fromkeys(word for word in found if word and ipv4_network(word)))


class CniFiles(FactBase[tuple[str, ...]]):
    """The names of the CNI configuration files of a host that is no node yet; none on a node."""

    @staticmethod
    def default() -> tuple[str, ...]:
        return ()

    def command(self) -> str:
        return """
[ -e /etc/kubernetes/kubelet.conf ] ||
  ls /etc/cni/net.d 2>/dev/null | grep -E '\\.(conf|conflist|json)$'
true"""

    def process(self, output: list[str]) -> tuple[str, ...]:
        return tuple(sorted(line.strip() for line in output if line.strip()))


_PROTOCOLS = ("-t", "-u", "--sctp-service")
"""ipvsadm's options for a service; one by firewall mark (-f) is none of kube-proxy's."""


class IpvsServices(FactBase[tuple[str, ...]]):
    """kube-proxy's IPVS services, as options of ipvsadm, e.g. ``-t 10.96.0.1:443``.

    Its virtual addresses are on kube-ipvs0; NodePorts are on the host's own.
    """

    @staticmethod
    def default() -> tuple[str, ...]:
        return ()

    def command(self) -> str:
        return """
if command -v ipvsadm >/dev/null && ip link show kube-ipvs0 >/dev/null 2>&1; then
  ip -o -4 address show dev kube-ipvs0 | awk '{ split($4, a, "/"); print "address", a[1] }'
  ipvsadm -Sn 2>/dev/null | awk '$1 == "-A" { print "service", $2, $3 }'
fi
true"""

    def process(self, output: list[str]) -> tuple[str, ...]:
        words = [line.split() for line in output]
        addresses = {w[1] for w in words if w[:1] == ["address"] and len(w) == 2}
        found = []
        for word in words:
            if word[:1] == ["service"] and len(word) == 3 and word[1] in _PROTOCOLS:
                said, _, number = word[2].rpartition(":")
                address, taken = str(ip(said.strip("[]"))), port(number)
                if address in addresses or 30000 <= taken <= 32767:
                    found.append(f"{word[1]} {shlex.quote(word[2])}")
        return tuple(found)
