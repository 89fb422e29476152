"""Pod networks: what each setting of the inventory becomes in the plugin's own configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinstall.addons.objects import Object
from kubeinstall.addons.render import render_all
from kubeinstall.cluster.node_settings import REFLECTOR
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.catalogue.model import Stage
from kubeinstall.inventory.catalogue.values import merged, problems
from tests.render.offline import Offline
from tests.unit.clusters import cluster

pytestmark = pytest.mark.render


def rendered(network: dict[str, Any], **spec: Any) -> list[Object]:
    """The objects of a pod network, as an inventory chooses it."""
    made = cluster(network=network, **spec)
    [one] = chosen(made)
    assert one.addon.file.stage is Stage.NETWORK
    [result] = render_all(made, [one], Offline())
    return list(result.objects)


def of_kind(objects: list[Object], kind: str) -> Object:
    [found] = [document for document in objects if document["kind"] == kind]
    return found


def flannel(settings: dict[str, Any], **spec: Any) -> tuple[dict[str, Any], list[str]]:
    """flannel's configuration and flags; the pods' mark of it is the same text."""
    objects = rendered({"plugin": "flannel", "flannel": settings}, **spec)
    text = of_kind(objects, "ConfigMap")["data"]["net-conf.json"]
    template = of_kind(objects, "DaemonSet")["spec"]["template"]
    assert template["metadata"]["annotations"]["kubeinstall.io/net-conf"] == text.strip()
    [container] = template["spec"]["containers"]
    privileged = container["securityContext"].get("privileged", False)
    assert privileged is (settings.get("backend") == "udp")
    return json.loads(text), container["args"]


@pytest.mark.parametrize(
    ("settings", "backend"),
    [
        ({}, {"Type": "vxlan"}),
        ({"direct_routing": True}, {"Type": "vxlan", "DirectRouting": True}),
        (
            {"vni": 7, "port": 8473, "mtu": 1400},
            {"Type": "vxlan", "VNI": 7, "Port": 8473, "MTU": 1400},
        ),
        ({"backend": "host-gw"}, {"Type": "host-gw"}),
        ({"backend": "udp", "port": 8286}, {"Type": "udp", "Port": 8286}),
        (
            {"backend": "wireguard", "port": 51821, "keepalive": 25},
            {"Type": "wireguard", "ListenPort": 51821, "PersistentKeepaliveInterval": 25},
        ),
    ],
)
def test_flannels_backend(settings: dict[str, Any], backend: dict[str, Any]) -> None:
    configuration, _ = flannel(settings)
    assert configuration["Backend"] == backend
    assert configuration["Network"] == "10.244.0.0/16"


@pytest.mark.parametrize(
    ("interface", "flags"),
    [
        ("node-ip", ["--iface=$(NODE_IP)"]),
        ("eth1", ["--iface=eth1"]),
        ("can-reach=10.0.0.1", ["--iface-can-reach=10.0.0.1"]),
        ("regex=eth[1-9]|ens.*", ["--iface-regex=eth[1-9]|ens.*"]),
        ("default-route", []),
    ],
)
def test_flannels_interface(interface: str, flags: list[str]) -> None:
    _, args = flannel({"interface": interface})
    assert [arg for arg in args if arg.startswith("--iface")] == flags


def test_flannel_masquerades_with_what_kube_proxy_works_with() -> None:
    assert flannel({})[0]["EnableNFTables"] is False
    assert flannel({}, kube_proxy={"mode": "nftables"})[0]["EnableNFTables"] is True


def test_flannels_cni_configuration() -> None:
    objects = rendered({"plugin": "flannel"})
    text = of_kind(objects, "ConfigMap")["data"]["cni-conf.json"]
    assert [plugin["type"] for plugin in json.loads(text)["plugins"]] == ["flannel", "portmap"]


def calico(settings: dict[str, Any], **spec: Any) -> list[Object]:
    return rendered({"plugin": "calico", "calico": settings}, **spec)


def node(objects: list[Object], name: str = "calico-node") -> tuple[dict[str, str], Object]:
    """The environment of Calico's own container, and the container."""
    containers = of_kind(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"]
    [found] = [container for container in containers if container["name"] == name]
    return {one["name"]: one.get("value", "") for one in found["env"]}, found


@pytest.mark.parametrize(
    ("encapsulation", "ipip", "vxlan", "backend"),
    [
        ("ipip", "Always", "Never", "bird"),
        ("ipip-cross-subnet", "CrossSubnet", "Never", "bird"),
        ("vxlan", "Never", "Always", "vxlan"),
        ("vxlan-cross-subnet", "Never", "CrossSubnet", "vxlan"),
        ("none", "Never", "Never", "bird"),
    ],
)
def test_calicos_pool_and_backend(encapsulation: str, ipip: str, vxlan: str, backend: str) -> None:
    objects = calico({"encapsulation": encapsulation, "block_size": 27, "nat_outgoing": False})
    pool = of_kind(objects, "IPPool")["spec"]
    assert (pool["ipipMode"], pool["vxlanMode"]) == (ipip, vxlan)
    assert (pool["cidr"], pool["blockSize"]) == ("10.244.0.0/16", 27)
    assert pool["natOutgoing"] is False
    environment, container = node(objects)
    assert environment["CALICO_NETWORKING_BACKEND"] == backend
    # The pool is ours: calico-node stops where it is given one besides.
    assert environment["NO_DEFAULT_POOLS"] == "true"
    assert "CALICO_IPV4POOL_CIDR" not in environment
    for probe, check in (("livenessProbe", "-bird-live"), ("readinessProbe", "-bird-ready")):
        assert (check in container[probe]["exec"]["command"]) is (backend == "bird")


def test_a_full_mesh_or_route_reflectors() -> None:
    mesh = calico({"as_number": 65001})
    assert of_kind(mesh, "BGPConfiguration")["spec"] == {
        "asNumber": 65001,
        "nodeToNodeMeshEnabled": True,
    }
    assert not [document for document in mesh if document["kind"] == "BGPPeer"]
    for settings in ({}, {"install": "operator"}):
        objects = calico({**settings, "route_reflectors": ["w1"]})
        assert of_kind(objects, "BGPConfiguration")["spec"]["nodeToNodeMeshEnabled"] is False
        peer = of_kind(objects, "BGPPeer")["spec"]
        assert peer == {"nodeSelector": "all()", "peerSelector": f"has({REFLECTOR})"}
    without = calico({"encapsulation": "vxlan"})
    assert not {"BGPPeer", "BGPConfiguration"} & {document["kind"] for document in without}


@pytest.mark.parametrize(
    ("method", "environment", "operator"),
    [
        ("node-ip", "kubernetes-internal-ip", {"kubernetes": "NodeInternalIP"}),
        ("first-found", "first-found", {"firstFound": True}),
        ("can-reach=10.0.0.1", "can-reach=10.0.0.1", {"canReach": "10.0.0.1"}),
        ("interface=eth.*", "interface=eth.*", {"interface": "eth.*"}),
        ("skip-interface=wg0", "skip-interface=wg0", {"skipInterface": "wg0"}),
        (
            "cidr=10.0.0.0/24,10.1.0.0/24",
            "cidr=10.0.0.0/24,10.1.0.0/24",
            {"cidrs": ["10.0.0.0/24", "10.1.0.0/24"]},
        ),
    ],
)
def test_how_calico_finds_a_nodes_address(
    method: str, environment: str, operator: dict[str, Any]
) -> None:
    assert node(calico({"address_detection": method}))[0]["IP_AUTODETECTION_METHOD"] == environment
    objects = calico({"address_detection": method, "install": "operator"})
    spec = of_kind(objects, "Installation")["spec"]["calicoNetwork"]
    assert spec["nodeAddressAutodetectionV4"] == operator


@pytest.mark.parametrize(
    ("encapsulation", "bgp", "told"),
    [
        ("ipip", "Enabled", "IPIP"),
        ("ipip-cross-subnet", "Enabled", "IPIPCrossSubnet"),
        ("vxlan", "Disabled", "VXLAN"),
        ("vxlan-cross-subnet", "Disabled", "VXLANCrossSubnet"),
        ("none", "Enabled", "None"),
    ],
)
def test_what_the_operator_is_told(encapsulation: str, bgp: str, told: str) -> None:
    objects = calico(
        {"install": "operator", "encapsulation": encapsulation, "mtu": 1400},
        kube_proxy={"mode": "nftables"},
        images={"quay.io": "registry.example.org/quay"},
    )
    spec = of_kind(objects, "Installation")["spec"]
    network = spec["calicoNetwork"]
    assert (network["bgp"], network["mtu"]) == (bgp, 1400)
    assert network["linuxDataplane"] == "Nftables"
    [pool] = network["ipPools"]
    assert (pool["encapsulation"], pool["cidr"]) == (told, "10.244.0.0/16")
    assert (spec["registry"], spec["imagePath"]) == ("registry.example.org/quay/", "calico")


def test_wireguard_is_switched_in_calicos_own_configuration() -> None:
    for on in (False, True):
        spec = of_kind(calico({"wireguard": on}), "FelixConfiguration")["spec"]
        assert spec == {"wireguardEnabled": on}


def test_canal_is_flannel_with_calicos_policies() -> None:
    objects = rendered({"plugin": "canal", "canal": {"backend": "host-gw"}})
    data = of_kind(objects, "ConfigMap")["data"]
    assert json.loads(data["net-conf.json"])["Backend"] == {"Type": "host-gw"}
    environment, container = node(objects)
    assert environment["CALICO_NETWORKING_BACKEND"] == "none"
    assert environment["IP"] == ""
    assert "-bird-live" not in container["livenessProbe"]["exec"]["command"]
    assert "--iface=$(NODE_IP)" in node(objects, "flannel")[1]["args"]
    assert not [document for document in objects if document["kind"] == "IPPool"]


@pytest.mark.parametrize("plugin", ["calico", "canal"])
def test_calicos_cni_configuration(plugin: str) -> None:
    """install fills in what is between underscores; the rest is JSON already."""
    text = of_kind(rendered({"plugin": plugin}), "ConfigMap")["data"]["cni_network_config"]
    configuration = json.loads(text.replace("__CNI_MTU__", "0"))
    first, second = configuration["plugins"]
    assert (first["type"], second["type"]) == ("calico", "portmap")
    assert first["ipam"]["type"] == ("calico-ipam" if plugin == "calico" else "host-local")
    assert first["kubernetes"] == {"kubeconfig": "__KUBECONFIG_FILEPATH__"}


@pytest.mark.parametrize("network", [{"plugin": "bridge"}, {"plugin": "none"}])
def test_networks_without_an_addon(network: dict[str, Any]) -> None:
    assert chosen(cluster(network=network)) == []


@pytest.mark.parametrize(
    "network",
    [
        {"plugin": "flannel"},
        {"plugin": "canal"},
        {"plugin": "calico"},
        {"plugin": "calico", "calico": {"install": "operator"}},
    ],
)
def test_the_addon_takes_what_the_inventory_gives(network: dict[str, Any]) -> None:
    """What the inventory has by itself is what the addon has: the two cannot drift apart."""
    [one] = chosen(cluster(network=network))
    assert list(problems(one.addon, one.choice.values)) == []
    assert one.values == merged(one.addon, {})
    assert set(one.choice.values) == set(one.addon.file.values)


def test_the_network_comes_before_other_addons() -> None:
    made = cluster(network={"plugin": "flannel"}, addons={"local-path": {}})
    assert [one.name for one in chosen(made)] == ["flannel", "local-path"]
