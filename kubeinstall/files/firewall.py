"""What a firewall has to let through, and the files that say so to each kind (pure).

Sources: Kubernetes' "Ports and Protocols"; nft(8), firewalld.policy(5), firewalld.zone(5).
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from kubeinstall import resources
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.catalogue.model import HostPort
from kubeinstall.inventory.model import Calico, CalicoInstall, Cluster, Host, NetworkPlugin
from kubeinstall.operations.files import MARKER
from kubeinstall.operations.firewall import CHAINS, Opening
from kubeinstall.templates import render

SCRIPT = "/usr/local/lib/kubeinstall/firewall"
UNIT = "kubeinstall-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SERVICES = ("nftables.service", "netfilter-persistent.service", "iptables.service")
"""Services that load a ruleset and keep nothing of it in mind."""

ZONE_FILE = "/etc/firewalld/zones/kubeinstall.xml"
POLICY_FILE = "/etc/firewalld/policies/kubeinstall-host.xml"
PODS_FILE = "/etc/firewalld/policies/kubeinstall-pods.xml"
FIREWALLD_FILES = (ZONE_FILE, POLICY_FILE, PODS_FILE)

_POLICY = "kubeinstall-host"
FIREWALLD_READ = resources.script("firewall/firewalld_read", policy=_POLICY)
"""Lets firewalld work by the files of its zone and policies."""

_IPIP = ("", "4")
"""IP in IP: a protocol of its own, without ports."""


def plugin_ports(cluster: Cluster) -> tuple[tuple[str, str], ...]:
    """Ports and protocols that the nodes of a pod network need between themselves.

    Sources: flannel's Documentation/backends.md; Calico's "Network requirements".
    """
    network = cluster.spec.network
    if network.overlay is not None:
        port = network.overlay.udp_port
        return ((str(port), "udp"),) if port else ()
    if network.plugin is NetworkPlugin.CALICO:
        return _calico_ports(network.calico)
    # bridge: routes only; what pods send each other arrives with their own addresses.
    return ()


def _calico_ports(calico: Calico) -> tuple[tuple[str, str], ...]:
    wanted = {
        ("179", "tcp"): calico.speaks_bgp,
        _IPIP: calico.encapsulation.is_ipip,
        ("4789", "udp"): calico.encapsulation.is_vxlan,
        # Typha, which the operator puts between the API and the nodes.
        ("5473", "tcp"): calico.install is CalicoInstall.OPERATOR,
        ("51820", "udp"): calico.wireguard,
    }
    return tuple(port for port, needed in wanted.items() if needed)


def openings(cluster: Cluster, host: Host) -> tuple[Opening, ...]:
    """The ports that must be reached on a host; where only peers have to, only by them."""
    _, _, port = cluster.endpoint.rpartition(":")
    everywhere = [Opening("10256"), Opening("30000:32767"), Opening("30000:32767", "udp")]
    others = [peer for peer in cluster.members if peer.name != host.name]
    between = [("10250", "tcp"), *plugin_ports(cluster)]
    # Not just the API servers: pods that ask a kubelet come by their host's address.
    peers = [
        Opening(ports, protocol, peer.node_ip) for ports, protocol in between for peer in others
    ]
    if host.is_control_plane:
        everywhere[:0] = [Opening(port) for port in dict.fromkeys(("6443", port))]
        peers += [
            Opening(ports, source=peer.node_ip)
            for peer in others
            if peer.is_control_plane
            for ports in ("2379:2380", "10257", "10259")
        ]
    for taken in _taken(cluster):
        sources = [peer.node_ip for peer in others] if taken.only_hosts else [None]
        peers += [Opening(str(taken.port), taken.protocol, source) for source in sources]
    return tuple(dict.fromkeys((*everywhere, *peers)))


def _taken(cluster: Cluster) -> list[HostPort]:
    """The ports of the hosts that addons take."""
    return [port for one in chosen(cluster) for port in one.addon.ports(one.values)]


def script(cluster: Cluster, host: Host) -> str:
    """The shell script that opens chains of nftables and of iptables."""
    pods = str(cluster.spec.network.pods)
    grouped = list(_grouped(openings(cluster, host)))
    passing = (f"-s {pods}", f"-d {pods}", "-m conntrack --ctstate DNAT")
    return render(
        "hosts/firewall.sh.j2",
        chains=CHAINS,
        nft_input=[f"ip saddr {pods} accept", *(_nft(*group) for group in grouped)],
        # The last for services whose pods use their host's network.
        nft_forward=[f"ip saddr {pods} accept", f"ip daddr {pods} accept", "ct status dnat accept"],
        iptables_input=[f"-s {pods}", *(_iptables(*group) for group in grouped)],
        iptables_forward=passing,
    )


def unit() -> str:
    """The systemd unit that runs the script after whatever loads a ruleset."""
    services = " ".join(SERVICES)
    return render("hosts/kubeinstall-firewall.service.j2", script=SCRIPT, services=services)


def zone(cluster: Cluster) -> str:
    """firewalld's zone of the pods: what comes from them is let through."""
    source = quoteattr(str(cluster.spec.network.pods))
    return _xml('<zone target="ACCEPT">', [f"<source address={source}/>"], "</zone>")


def policy(cluster: Cluster, host: Host) -> str:
    """firewalld's policy of the host: the openings, whichever zone a packet comes from."""
    lines = ['<ingress-zone name="ANY"/>', '<egress-zone name="HOST"/>']
    for opening in openings(cluster, host):
        port = _port(opening)
        source = f"<source address={quoteattr(opening.source)}/>" if opening.source else ""
        lines.append(f'<rule family="ipv4">{source}{port}<accept/></rule>' if source else port)
    return _xml('<policy target="CONTINUE">', lines, "</policy>")


def pods_policy() -> str:
    """firewalld's policy of what goes to the pods, from whichever zone."""
    lines = ['<ingress-zone name="ANY"/>', '<egress-zone name="kubeinstall"/>']
    return _xml('<policy target="ACCEPT">', lines, "</policy>")


def _port(opening: Opening) -> str:
    protocol = quoteattr(opening.protocol)
    if not opening.ports:
        return f"<protocol value={protocol}/>"
    ports = quoteattr(opening.ports.replace(":", "-"))
    return f"<port port={ports} protocol={protocol}/>"


def _xml(begin: str, lines: Iterable[str], end: str) -> str:
    head = ['<?xml version="1.0" encoding="utf-8"?>', f"<!-- {MARKER} -->", begin]
    inner = ["  <short>kubeinstall</short>", *(f"  {line}" for line in lines)]
    return "\n".join([*head, *inner, end, ""])


def _grouped(
    given: tuple[Opening, ...],
) -> Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Protocol, sources and ports of as few rules as say the same."""
    ports: dict[tuple[str, str], list[str]] = {}
    for opening in given:
        ports.setdefault((opening.protocol, opening.source or ""), []).append(opening.ports)
    sources: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (protocol, source), of_source in ports.items():
        sources.setdefault((protocol, tuple(of_source)), []).append(source)
    for (protocol, same), by in sources.items():
        yield protocol, tuple(filter(None, by)), same


def _nft(protocol: str, sources: tuple[str, ...], ports: tuple[str, ...]) -> str:
    by = f"ip saddr {{ {', '.join(sources)} }} " if sources else ""
    if not any(ports):
        return f"{by}ip protocol {protocol} accept"
    return f"{by}{protocol} dport {{ {', '.join(ports).replace(':', '-')} }} accept"


def _iptables(protocol: str, sources: tuple[str, ...], ports: tuple[str, ...]) -> str:
    by = f"-s {','.join(sources)} " if sources else ""
    if not any(ports):
        return f"{by}-p {protocol}"
    return f"{by}-p {protocol} -m multiport --dports {','.join(ports)}"
