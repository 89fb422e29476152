"""A host with two network cards, as Vagrant makes them: the default route is not the cluster's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.host.lone import Lone, lone_host
from tests.labs import STATE
from tests.running import INVENTORIES, events, kubeinstall

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]

NETWORK = "10.89.42"
FLOATING = "10.89.43.11"


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    folder = tmp_path_factory.mktemp("lab")
    with lone_host("test-cards", NETWORK, folder, nat=True, users={"vagrant": "sudo"}) as lone:
        yield lone


@pytest.fixture
def floating() -> Iterator[str]:
    """An address that only this machine knows, and that leads to the host."""
    # The host answers only to its own network: its default route leads nowhere.
    to, back = f"{NETWORK}.11", f"{NETWORK}.1"
    rules = (
        ("OUTPUT", "-d", FLOATING, "-j", "DNAT", "--to-destination", to),
        ("POSTROUTING", "-d", to, "!", "-s", f"{NETWORK}.0/24", "-j", "SNAT", "--to-source", back),
    )
    for rule in rules:
        subprocess.run(["iptables", "-w", "-t", "nat", "-I", *rule], check=True)
    yield FLOATING
    for rule in rules:
        subprocess.run(["iptables", "-w", "-t", "nat", "-D", *rule], check=True)


def test_the_node_goes_by_the_address_it_is_reached_by(h1: Lone) -> None:
    assert "src 10.0.2.15" in h1.sh("ip route get 192.0.2.1")
    h1.changed("hosts")
    assert h1.sh("getent hosts h1").split() == [f"{NETWORK}.11", "h1"]
    assert h1.changed("hosts") == []


def test_a_floating_address_is_not_taken_for_the_nodes(
    h1: Lone, floating: str, tmp_path: Path
) -> None:
    document = yaml.safe_load(h1.inventory().read_text())
    del document["lab"]
    ssh = {"known_hosts": str(tmp_path / "known_hosts"), "host_keys": "accept-new"}
    document["defaults"]["ssh"] |= ssh
    document["groups"]["control_plane"]["hosts"]["h1"]["address"] = floating
    # The host's only other way out, which a real one has: to the endpoint.
    document["cluster"]["endpoint"] = {"host": f"{NETWORK}.1"}
    inventory = tmp_path / "floating.yaml"
    inventory.write_text(yaml.safe_dump(document))
    ran = kubeinstall("up", "-y", "-i", inventory, "--only", "hosts").ok()
    told = f"{FLOATING} is not on any of its interfaces; its node address is {NETWORK}.11"
    assert told in ran.text
    assert "0 changed" in ran.text


def test_the_vagrant_inventory_on_such_a_host(h1: Lone, tmp_path: Path) -> None:
    """inventories/vagrant.yaml as it is, but for the address: login, key, known hosts, names."""
    key = tmp_path / ".vagrant/machines/cp1/libvirt/private_key"
    key.parent.mkdir(parents=True)
    shutil.copy(STATE / h1.name / "id_ed25519", key)
    document = yaml.safe_load((INVENTORIES / "vagrant.yaml").read_text())
    document["cluster"]["time"] = {"manage": False}  # the machine's clock
    document["groups"]["control_plane"]["hosts"]["cp1"]["address"] = f"{NETWORK}.11"
    del document["groups"]["workers"]
    inventory = tmp_path / "inventories" / "vagrant.yaml"
    inventory.parent.mkdir()
    inventory.write_text(yaml.safe_dump(document))
    # As Vagrant does where it sets a machine's name.
    h1.sh("hostnamectl set-hostname cp1; sed -i '1i 127.0.2.1 cp1 cp1' /etc/hosts")

    log = tmp_path / "events.jsonl"
    up = ("up", "-y", "-i", inventory, "--only", "hosts", "--events", log)
    env = {**os.environ, "VAGRANT_DEFAULT_PROVIDER": "libvirt"}
    kubeinstall(*up, env=env).ok()
    assert h1.sh("getent ahostsv4 cp1 | cut -d' ' -f1 | sort -u").split() == [f"{NETWORK}.11"]
    assert "127.0.2.1" not in h1.sh("cat /etc/hosts")
    assert (tmp_path / ".vagrant/known_hosts").read_text().startswith(f"{NETWORK}.11 ")
    kubeinstall(*up, env=env).ok()
    assert [event for event in events(log) if event.get("changed")] == []
