"""Pod networks: what each setting of the inventory becomes in the plugin's own configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinstall.addons.chosen import chosen
from kubeinstall.addons.objects import Object
from kubeinstall.addons.render import render_all
from kubeinstall.inventory.catalogue.model import Stage
from kubeinstall.inventory.catalogue.values import merged, problems
from tests.unit.clusters import cluster

pytestmark = pytest.mark.render


def rendered(network: dict[str, Any], **spec: Any) -> list[Object]:
    """The objects of a pod network, as an inventory chooses it."""
    made = cluster(network=network, **spec)
    [one] = chosen(made)
    assert one.addon.file.stage is Stage.NETWORK
    [result] = render_all(made, [one])
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


@pytest.mark.parametrize("network", [{"plugin": "bridge"}, {"plugin": "none"}])
def test_networks_without_an_addon(network: dict[str, Any]) -> None:
    assert chosen(cluster(network=network)) == []


@pytest.mark.parametrize("network", [{"plugin": "flannel"}])
def test_the_addon_takes_what_the_inventory_gives(network: dict[str, Any]) -> None:
    """What the inventory has by itself is what the addon has: the two cannot drift apart."""
    [one] = chosen(cluster(network=network))
    assert list(problems(one.addon, one.choice.values)) == []
    assert one.values == merged(one.addon, {})
    assert set(one.choice.values) == set(one.addon.file.values)


def test_the_network_comes_before_other_addons() -> None:
    made = cluster(network={"plugin": "flannel"}, addons={"local-path": {}})
    assert [one.name for one in chosen(made)] == ["flannel", "local-path"]
