"""The files of the bridge network, each read by its own parser."""

from __future__ import annotations

import configparser
import ipaddress
import json
import subprocess
from pathlib import Path

import pytest

from kubeinstall.files import network as network_files
from tests.unit.clusters import cluster

pytestmark = pytest.mark.render

PODS = {
    "cp1": ipaddress.IPv4Network("10.244.0.0/24"),
    "w1": ipaddress.IPv4Network("10.244.1.0/24"),
    "w2": ipaddress.IPv4Network("10.244.2.0/24"),
}
ADDRESSES = {"cp1": "10.0.0.10", "w1": "10.0.0.11", "w2": "10.0.0.12"}


def test_conflist() -> None:
    document = json.loads(network_files.conflist(PODS["w1"]))
    assert network_files.CONFLIST.endswith(".conflist")
    bridge, portmap = document["plugins"]
    assert (bridge["type"], portmap["type"]) == ("bridge", "portmap")
    ((share,),) = bridge["ipam"]["ranges"]
    assert ipaddress.ip_network(share["subnet"]) == ipaddress.ip_network("10.244.1.0/24")
    assert bridge["isGateway"]
    assert not bridge["ipMasq"]
    assert portmap["capabilities"] == {"portMappings": True}


def test_every_other_node_has_a_route() -> None:
    assert network_files.routes("w1", PODS, ADDRESSES) == {
        "10.244.0.0/24": "10.0.0.10",
        "10.244.2.0/24": "10.0.0.12",
    }


def test_a_node_without_an_address_has_none() -> None:
    """A node that somebody else added to the cluster is not in the inventory."""
    assert network_files.routes(
        "cp1", {**PODS, "x": ipaddress.IPv4Network("10.244.9.0/24")}, ADDRESSES
    ) == {
        "10.244.1.0/24": "10.0.0.11",
        "10.244.2.0/24": "10.0.0.12",
    }


@pytest.mark.parametrize("node", [*PODS, "alone"])
def test_script(node: str, tmp_path: Path) -> None:
    wanted = network_files.routes(node, PODS, ADDRESSES) if node in PODS else {}
    text = network_files.script(cluster(), wanted)
    checked = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert run(text, tmp_path) == expected(wanted)


def test_a_route_that_cannot_be_made_takes_nothing_else_away(tmp_path: Path) -> None:
    """A node may claim an address that no host has a way to."""
    wanted = network_files.routes("cp1", PODS, ADDRESSES)
    text = network_files.script(cluster(), wanted)
    assert run(text, tmp_path, without="10.0.0.11") == expected(wanted)


def run(script: str, folder: Path, without: str = "-") -> list[str]:
    """The commands that the script runs where it finds no chain.

    Args:
        without: an address that there is no way to.
    """
    for name in ("ip", "iptables"):
        answer = f'case "$*" in *" -C "* | *"via {without} "*) exit 1 ;; esac'
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {folder}/log\n{answer}\n')
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    subprocess.run(["sh"], input=script, text=True, check=True, env=environment)
    return [line for line in (folder / "log").read_text().splitlines() if " -C " not in line]


def expected(wanted: dict[str, str]) -> list[str]:
    pods = "10.244.0.0/16"
    return [
        "ip route flush proto 107",
        *(f"ip route replace {net} via {via} proto 107" for net, via in wanted.items()),
        "iptables -w -t nat -N KUBEINSTALL-MASQ",
        "iptables -w -t nat -I POSTROUTING -j KUBEINSTALL-MASQ",
        f"iptables -w -t nat -A KUBEINSTALL-MASQ -s {pods} ! -d {pods} -j MASQUERADE",
        "iptables -w -t filter -N KUBEINSTALL-FORWARD",
        "iptables -w -t filter -I FORWARD -j KUBEINSTALL-FORWARD",
        f"iptables -w -t filter -A KUBEINSTALL-FORWARD -s {pods} -j ACCEPT",
        f"iptables -w -t filter -A KUBEINSTALL-FORWARD -d {pods} -j ACCEPT",
    ]


def test_unit() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(network_files.unit())
    assert network_files.UNIT_FILE.endswith(f"/{network_files.UNIT}.service")
    assert parser["Service"]["ExecStart"] == network_files.SCRIPT
    assert parser["Service"]["Type"] == "oneshot"
    assert parser["Service"]["RemainAfterExit"] == "yes"
    # What takes routes or chains away when it restarts brings this unit along.
    takers = {"systemd-networkd.service", "nftables.service"}
    assert set(parser["Unit"]["PartOf"].split()) == takers
    assert set(parser["Install"]["WantedBy"].split()) == {"multi-user.target", *takers}
    assert takers <= set(parser["Unit"]["After"].split())
    assert parser["Unit"]["ReloadPropagatedFrom"] == "nftables.service"
    assert parser["Service"]["ExecReload"] == network_files.SCRIPT
