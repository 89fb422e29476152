"""Pod networks as the inventory says them: defaults, and warnings about what fits badly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.inventory.model import Calico, Flannel, Network

pytestmark = pytest.mark.unit


def warnings(tmp_path: Path, network: dict[str, Any], addresses: list[str]) -> list[str]:
    """What an inventory with workers at these addresses is warned of."""
    workers = {f"w{n}": {"address": address} for n, address in enumerate(addresses)}
    groups = {"control_plane": {"hosts": {"cp1": {"address": "10.0.0.11"}}}}
    document = {
        "cluster": {"kubernetes": "1.36.2", "network": network},
        "groups": {**groups, "workers": {"hosts": workers}},
    }
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(document))
    return [finding.what for finding in load_with_warnings(path, {})[1]]


@pytest.mark.parametrize(
    ("backend", "port"), [("vxlan", 8472), ("wireguard", 51820), ("udp", 8285), ("host-gw", None)]
)
def test_the_port_of_a_backend(backend: str, port: int | None) -> None:
    assert Flannel(backend=backend).udp_port == port


@pytest.mark.parametrize(
    ("settings", "speaks"),
    [
        ({}, True),
        ({"encapsulation": "none"}, True),
        ({"encapsulation": "vxlan"}, False),
        ({"encapsulation": "vxlan-cross-subnet", "bgp": True}, True),
    ],
)
def test_bgp_goes_with_the_encapsulation(settings: dict[str, Any], speaks: bool) -> None:
    assert Calico.model_validate(settings).speaks_bgp is speaks


def test_flannels_settings_are_canals_in_canal() -> None:
    network = Network.model_validate({"plugin": "canal", "canal": {"backend": "host-gw"}})
    assert network.overlay == network.canal
    assert Network.model_validate({"plugin": "calico"}).overlay is None


@pytest.mark.parametrize("plugin", ["flannel", "canal"])
def test_host_gw_wants_one_subnet(tmp_path: Path, plugin: str) -> None:
    network = {"plugin": plugin, plugin: {"backend": "host-gw"}}
    assert warnings(tmp_path, network, ["10.0.0.12"]) == []
    [told] = warnings(tmp_path, network, ["10.0.0.12", "10.0.9.12"])
    assert "10.0.0.0/24, 10.0.9.0/24" in told


def test_blocks_that_are_too_few(tmp_path: Path) -> None:
    network = {"plugin": "calico", "pods": "10.244.0.0/23", "calico": {"block_size": 24}}
    assert warnings(tmp_path, network, ["10.0.0.12"]) == []
    [told] = warnings(tmp_path, {**network, "calico": {"block_size": 23}}, ["10.0.0.12"])
    assert "has 1 blocks of /23 for 2 nodes" in told


def test_a_large_mesh(tmp_path: Path) -> None:
    many = [f"10.0.{n // 200 + 1}.{n % 200 + 1}" for n in range(100)]
    assert any("full mesh" in told for told in warnings(tmp_path, {"plugin": "calico"}, many))
    network: dict[str, Any] = {"plugin": "calico", "calico": {"route_reflectors": ["w1", "w2"]}}
    assert warnings(tmp_path, network, many) == []
    vxlan = {"plugin": "calico", "calico": {"encapsulation": "vxlan"}}
    assert warnings(tmp_path, vxlan, many) == []


def test_settings_of_a_plugin_that_is_not_used(tmp_path: Path) -> None:
    [told] = warnings(tmp_path, {"plugin": "flannel", "calico": {}}, ["10.0.0.12"])
    assert told == "cluster.network.calico is not used: cluster.network.plugin is flannel"
