"""The networks of the cluster: the pod network with its plugin, and the service network."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from kubeinstall.inventory.formats import ADDRESS_METHOD, FLANNEL_INTERFACE, real_networks
from kubeinstall.inventory.model.base import DnsName, HostName, Ipv4, Ipv4Network, Port, Strict

Mtu = Annotated[int, Field(ge=576, le=65521)]


class NetworkPlugin(StrEnum):
    BRIDGE = "bridge"
    FLANNEL = "flannel"
    CALICO = "calico"
    CANAL = "canal"
    NONE = "none"


class FlannelBackend(StrEnum):
    VXLAN = "vxlan"
    HOST_GW = "host-gw"
    UDP = "udp"
    WIREGUARD = "wireguard"


BACKEND_PORTS = {
    FlannelBackend.VXLAN: 8472,
    FlannelBackend.UDP: 8285,
    FlannelBackend.WIREGUARD: 51820,
}
"""The UDP port between nodes; host-gw needs none. Source: flannel's Documentation/backends.md."""


class Flannel(Strict):
    """flannel: a pod CIDR for each node, and a backend for traffic between nodes."""

    backend: FlannelBackend = Field(
        FlannelBackend.VXLAN,
        description="How packets get to another node: vxlan and wireguard (encrypted) work over "
        "any network, host-gw needs hosts on one subnet, udp is only for debugging.",
    )
    direct_routing: bool | None = Field(
        None,
        description="vxlan: route to hosts on the same subnet without a tunnel; default: false.",
    )
    vni: Annotated[int, Field(ge=1, le=16777215)] | None = Field(
        None, description="vxlan: the VXLAN network identifier; default: 1."
    )
    port: Port | None = Field(
        None, description="UDP port; default: 8472 (vxlan), 51820 (wireguard), 8285 (udp)."
    )
    mtu: Mtu | None = Field(
        None, description="vxlan and wireguard; default: derived from the interface."
    )
    keepalive: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="wireguard: seconds between keepalive packets; default: none."
    )
    interface: Annotated[str, AfterValidator(real_networks)] = Field(
        "node-ip",
        pattern=FLANNEL_INTERFACE,
        description="Interface for traffic between nodes: node-ip (the one with the node's "
        "address), default-route, can-reach=ADDRESS, regex=EXPRESSION, or an interface's name.",
    )

    @property
    def udp_port(self) -> int | None:
        """The UDP port used between nodes; None: no port."""
        return self.port or BACKEND_PORTS.get(self.backend)


class Canal(Flannel):
    """flannel between the nodes, Calico for network policies."""


class CalicoInstall(StrEnum):
    MANIFEST = "manifest"
    OPERATOR = "operator"


class Encapsulation(StrEnum):
    IPIP = "ipip"
    IPIP_CROSS_SUBNET = "ipip-cross-subnet"
    VXLAN = "vxlan"
    VXLAN_CROSS_SUBNET = "vxlan-cross-subnet"
    NONE = "none"

    @property
    def is_vxlan(self) -> bool:
        return self in (Encapsulation.VXLAN, Encapsulation.VXLAN_CROSS_SUBNET)

    @property
    def is_ipip(self) -> bool:
        return self in (Encapsulation.IPIP, Encapsulation.IPIP_CROSS_SUBNET)


class Calico(Strict):
    """Calico: address blocks for pods, routes with BGP or in tunnels, network policies."""

    install: CalicoInstall = Field(
        CalicoInstall.MANIFEST,
        description="manifest: install Calico directly; operator: with Tigera's operator.",
    )
    encapsulation: Encapsulation = Field(
        Encapsulation.IPIP,
        description="How packets get to another node; cross-subnet: in a tunnel only to other "
        "subnets; none: without a tunnel, if all hosts are on one subnet or the network routes "
        "pods' addresses.",
    )
    bgp: bool | None = Field(
        None,
        description="Announce routes with BGP; default: true, except with a vxlan encapsulation.",
    )
    as_number: Annotated[int, Field(ge=1, le=4294967295)] = Field(
        64512, description="The nodes' BGP AS number."
    )
    route_reflectors: list[HostName] = Field(
        default_factory=list,
        description="Hosts that all others peer with; default: a full mesh.",
    )
    route_reflector_cluster_id: Ipv4 = Field(
        IPv4Address("244.0.0.1"), description="BGP cluster ID of the route reflectors."
    )
    address_detection: Annotated[str, AfterValidator(real_networks)] = Field(
        "node-ip",
        pattern=ADDRESS_METHOD,
        description="How Calico finds a node's address: node-ip, first-found, can-reach=ADDRESS, "
        "interface=EXPRESSIONS, skip-interface=EXPRESSIONS or cidr=NETWORKS, comma-separated.",
    )
    block_size: Annotated[int, Field(ge=20, le=32)] = Field(
        26, description="Prefix length of the address blocks that are assigned to nodes."
    )
    nat_outgoing: bool = Field(
        True, description="Masquerade traffic from pods to outside the cluster."
    )
    mtu: Mtu | None = Field(
        None, description="MTU of pods' interfaces; default: detected by Calico."
    )
    wireguard: bool = Field(False, description="Encrypt traffic between pods on different nodes.")

    @property
    def speaks_bgp(self) -> bool:
        return not self.encapsulation.is_vxlan if self.bgp is None else self.bgp


class Network(Strict):
    """Pod and service networks."""

    plugin: NetworkPlugin = Field(
        NetworkPlugin.BRIDGE,
        description="bridge: a route for each node, for hosts on one subnet; none: you install "
        "your own.",
    )
    pods: Ipv4Network = IPv4Network("10.244.0.0/16")
    services: Ipv4Network = IPv4Network("10.96.0.0/16")
    dns_domain: DnsName = "cluster.local"
    flannel: Flannel = Field(default_factory=Flannel)
    calico: Calico = Field(default_factory=Calico)
    canal: Canal = Field(default_factory=Canal)

    @property
    def overlay(self) -> Flannel | None:
        """flannel's settings if flannel is used, alone or as part of canal."""
        if self.plugin is NetworkPlugin.CANAL:
            return self.canal
        return self.flannel if self.plugin is NetworkPlugin.FLANNEL else None

    @property
    def is_routed(self) -> bool:
        """Whether hosts send pods' packets directly to each other, with no router between."""
        if self.overlay is not None:
            return self.overlay.backend is FlannelBackend.HOST_GW
        return self.plugin is NetworkPlugin.BRIDGE

    @property
    def addon(self) -> str | None:
        """The addon of the pod network; None: kubeinstall needs none, or you install your own."""
        if self.plugin is NetworkPlugin.CALICO and self.calico.install is CalicoInstall.OPERATOR:
            return "calico-operator"
        own = self.plugin in (NetworkPlugin.BRIDGE, NetworkPlugin.NONE)
        return None if own else self.plugin.value

    @property
    def modules(self) -> tuple[str, ...]:
        """The kernel modules that carry packets between nodes."""
        calico = self.calico if self.plugin is NetworkPlugin.CALICO else None
        wanted = {
            "vxlan": calico is not None and calico.encapsulation.is_vxlan,
            "ipip": calico is not None and calico.encapsulation.is_ipip,
            "wireguard": calico is not None and calico.wireguard,
        }
        if self.overlay is not None:
            wanted["vxlan"] = self.overlay.backend is FlannelBackend.VXLAN
            wanted["wireguard"] = self.overlay.backend is FlannelBackend.WIREGUARD
            wanted["tun"] = self.overlay.backend is FlannelBackend.UDP
        return tuple(name for name, needed in wanted.items() if needed)

    @property
    def values(self) -> dict[str, Any]:
        """The values of that addon."""
        if self.overlay is not None:
            return self.overlay.model_dump(mode="json")
        if self.plugin is not NetworkPlugin.CALICO:
            return {}
        named = self.calico.model_dump(
            mode="json", exclude={"install", "route_reflector_cluster_id"}
        )
        reflected = bool(self.calico.route_reflectors)
        return {**named, "bgp": self.calico.speaks_bgp, "route_reflectors": reflected}
