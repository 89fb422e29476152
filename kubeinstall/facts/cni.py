"""The bridge network as it is live on a host."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase


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
        routes = {w[1]: w[3] for w in words if w[:1] == ["route"] and w[2:3] == ["via"]}
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
        return found[0].partition("/")[0] if found else ""
