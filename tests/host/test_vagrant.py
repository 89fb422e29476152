"""The Vagrantfile, by Debian's own Vagrant: it is valid, and makes the inventory's machines.

No machine is started: that needs virtualisation.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest
import yaml

from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import Vagrant
from kubeinstall.lab import system
from tests.running import INVENTORIES, REPO, kubeinstall

pytestmark = pytest.mark.host

EXAMPLE = INVENTORIES / "vagrant.yaml"
READER = Path(__file__).with_name("machines.rb")
SIZES = {"box": "generic/debian12", "cpus": 2, "memory": 2048}

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """Vagrant, and its plugin for libvirt: with a provider it checks its settings as well."""
    if not system.succeeds("dpkg-query", "-s", "vagrant-libvirt"):
        system.run("apt-get", "update", "-qq")
        system.run("apt-get", "install", "-yqq", "--no-install-recommends", "vagrant-libvirt")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program on the Vagrantfile and an inventory, in a Vagrant home of its own."""

    def run(inventory: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "KUBEINSTALL_INVENTORY": str(inventory),
            "VAGRANT_DEFAULT_PROVIDER": "libvirt",
            "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot"),
            "VAGRANT_HOME": str(tmp_path / "home"),
            **more,
        }
        return subprocess.run(
            argv, cwd=REPO, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


def grouped(**vagrant: Any) -> dict[str, Any]:
    """Hosts in both groups, with names and addresses given in every way."""
    return {
        "cluster": {"kubernetes": "1.36.2"},
        "groups": {
            "control_plane": {"hosts": {"cp1": {"address": "${FIRST}"}}},
            "workers": {
                "labels": {"pool": "general"},
                "hosts": {
                    # Reached by a port of Vagrant's NAT card.
                    "w1": {
                        "address": "192.0.2.1",
                        "node_ip": "192.168.60.21",
                        "ssh": {"port": 2222},
                    },
                    "w2": {"address": "192.168.60.22", "hostname": "second"},
                },
            },
        },
        "vagrant": {**SIZES, **vagrant},
    }


def alone(**vagrant: Any) -> dict[str, Any]:
    """One host, and no other group."""
    return {
        "cluster": {"kubernetes": "1.36.2"},
        "groups": {
            "control_plane": {"taints": [], "hosts": {"node-1": {"address": "192.168.57.9"}}}
        },
        "vagrant": {**SIZES, **vagrant},
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(yaml.safe_load(EXAMPLE.read_text()), id="example"),
        pytest.param(grouped(), id="groups"),
        pytest.param(
            grouped(hosts={"cp1": {"cpus": 4}, "w2": {"box": "rocky/9", "memory": 1024}}),
            id="own sizes",
        ),
        pytest.param(grouped(box="${BOX}", hosts={"w1": {"box": None}}), id="environment"),
        pytest.param(alone(), id="one host"),
    ],
)
def test_the_machines_are_the_inventorys(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]
) -> None:
    environ = {"FIRST": "192.168.60.11", "BOX": "own/box", "VAGRANT_DEFAULT_PROVIDER": "libvirt"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    kubeinstall("validate", "-i", path).ok()

    validated = run(path, "vagrant", "validate")
    assert validated.returncode == 0, validated.stderr
    assert "Vagrantfile validated successfully" in validated.stdout

    read = run(path, "ruby", str(READER), str(REPO))
    assert read.returncode == 0, read.stderr
    sizes = Vagrant.model_validate(document["vagrant"])
    assert [
        {key: value for key, value in machine.items() if key != "after_destroy"}
        for machine in json.loads(read.stdout)
    ] == [
        {
            "name": host.name,
            "hostname": host.hostname,
            "box": box_of(sizes, host.name).replace("${BOX}", "own/box"),
            "addresses": [host.node_ip],
            "libvirt": size_of(sizes, host.name),
            "virtualbox": size_of(sizes, host.name),
        }
        for host in load(path, environ, files_must_exist=False).hosts
    ]


def box_of(sizes: Vagrant, host: str) -> str:
    own = sizes.hosts.get(host)
    return (own and own.box) or sizes.box


def size_of(sizes: Vagrant, host: str) -> dict[str, int]:
    own = sizes.hosts.get(host)
    return {
        "cpus": (own and own.cpus) or sizes.cpus,
        "memory": (own and own.memory) or sizes.memory,
    }


def test_a_destroyed_machine_is_no_longer_a_known_host(run: Run, tmp_path: Path) -> None:
    """Else the next machine at its address would be taken for somebody else's."""
    document = alone()
    document["defaults"] = {"ssh": {"known_hosts": "known hosts", "host_keys": "accept-new"}}
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(document))
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJb0bsKuMiyD8kp+pZOEZ8UAjkgjEiiGtbFeTjyL1G2S"
    known = tmp_path / "known hosts"
    known.write_text(f"192.168.57.9 {key}\n192.168.57.99 {key}\n")

    read = run(path, "ruby", str(READER), str(REPO))
    (machine,) = json.loads(read.stdout)
    (command,) = machine["after_destroy"]
    # Vagrant splits it as a shell would, and runs it without one.
    subprocess.run(shlex.split(command), check=True, timeout=30)
    assert known.read_text() == f"192.168.57.99 {key}\n"


def test_the_key_that_vagrant_makes_is_one_that_we_read(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "private_key"
    script = 'require "vagrant/util/keypair"; puts Vagrant::Util::Keypair.create[1]'
    made = run(EXAMPLE, "ruby", "-e", f'require "vagrant"; {script}')
    assert made.returncode == 0, made.stderr
    key.write_text(made.stdout)
    assert paramiko.PKey.from_path(key).get_bits() >= 2048


def test_an_inventory_without_sizes_is_refused_in_words(run: Run) -> None:
    inventory = INVENTORIES / "single.yaml"
    ran = run(inventory, "vagrant", "validate")
    assert ran.returncode != 0
    assert f"{inventory}: no vagrant section" in ran.stderr
