"""The example inventories and their schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.inventory.model import RuntimeName
from kubeinstall.inventory.schema import schema, schema_text
from kubeinstall.resources import folder

pytestmark = pytest.mark.unit

FOLDER = folder("inventories")
EXAMPLES = sorted(FOLDER.glob("*.yaml"))
ENVIRON = {"SUDO_PASSWORD": "secret", "VAGRANT_DEFAULT_PROVIDER": "libvirt"}
MODELINE = "# yaml-language-server: $schema=./kubeinstall.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(schema())


def minimal() -> dict[str, Any]:
    return {
        "cluster": {"kubernetes": "1.36.2"},
        "groups": {"control_plane": {"hosts": {"cp1": {"address": "10.0.0.11"}}}},
    }


def test_all_are_here() -> None:
    names = {path.stem for path in EXAMPLES}
    assert {"single", "small", "docker-mirrors", "bastion", "lab"} <= names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_loads(path: Path) -> None:
    cluster, findings = load_with_warnings(path, ENVIRON, files_must_exist=cluster_is_real(path))
    assert len(cluster.control_planes) == 1
    assert [f for f in findings if "no such file" not in f.what] == []


def cluster_is_real(path: Path) -> bool:
    """The keys of a lab and of Vagrant's machines are made when they come up."""
    return not path.stem.startswith(("lab", "vagrant"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_fits_the_schema_and_points_editors_at_it(path: Path) -> None:
    text = path.read_text()
    assert text.splitlines()[0] == MODELINE
    VALIDATOR.validate(yaml.safe_load(text))


def test_single_runs_pods_on_its_control_plane() -> None:
    cluster, _ = load_with_warnings(FOLDER / "single.yaml", {})
    assert cluster.workers == ()
    assert cluster.first.taints == ()


def test_small_uses_the_official_sources() -> None:
    cluster, _ = load_with_warnings(FOLDER / "small.yaml", {})
    assert cluster.spec.packages.url is None
    assert cluster.image_repository == "registry.k8s.io"
    assert len(cluster.workers) == 2


def test_docker_mirrors_uses_none_of_them() -> None:
    cluster, _ = load_with_warnings(FOLDER / "docker-mirrors.yaml", {})
    assert cluster.spec.runtime.name is RuntimeName.DOCKER
    assert cluster.spec.packages.url == "https://packages.example.org/kubernetes"
    assert cluster.image_repository == "registry.example.org:5000/kubernetes"
    assert cluster.spec.runtime.registries["docker.io"].mirrors


def test_bastion_takes_its_password_from_the_environment() -> None:
    cluster, _ = load_with_warnings(FOLDER / "bastion.yaml", ENVIRON)
    password = cluster.first.ssh.sudo_password
    assert password is not None
    assert password.get_secret_value() == "secret"
    assert cluster.first.ssh.bastion == "jump@gate.example.org:2222"
    assert cluster.endpoint == "192.168.50.11:6443"


def test_vagrant_reaches_hosts_by_their_private_card() -> None:
    path = FOLDER / "vagrant.yaml"
    cluster, _ = load_with_warnings(path, ENVIRON, files_must_exist=False)
    assert [host.node_ip for host in cluster.hosts] == [host.address for host in cluster.hosts]
    assert cluster.endpoint == "192.168.56.11:6443"
    machines = FOLDER.parent.resolve() / ".vagrant" / "machines"
    key = cluster.host("w1").ssh.key
    assert key is not None
    assert key.resolve() == machines / "w1" / "libvirt" / "private_key"


def test_the_shipped_schema_is_in_step() -> None:
    shipped = (FOLDER / "kubeinstall.schema.json").read_text()
    assert shipped == schema_text(), "run: kubeinstall schema > inventories/kubeinstall.schema.json"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize(
    ("place", "value", "fits"),
    [
        ("kubernetes", "${VERSION}", True),
        ("kubernetes", "v1.36.2", True),
        ("kubernetes", "1.36", False),
        ("kubernetes", 1.36, False),
        ("firewall", "off", True),
        ("firewall", "shut", False),
        ("runtme", {}, False),
        ("network", {"pods": "10.244.0.0/16"}, True),
        ("network", {"pods": "10.244.0.0"}, False),
        ("endpoint", {"host": "api", "port": "${PORT}"}, True),
        ("endpoint", {"host": "api", "port": 70000}, False),
        ("kubeadm", {"token_ttl": 0}, True),
        ("kubeadm", {"token_ttl": "1h30m"}, True),
        ("kubeadm", {"token_ttl": "1d"}, False),
        ("packages", {"key": "mirror.asc"}, True),
    ],
)
def test_schema_of_the_cluster(place: str, value: object, fits: bool) -> None:
    inventory = minimal()
    inventory["cluster"][place] = value
    assert VALIDATOR.is_valid(inventory) is fits


@pytest.mark.parametrize(
    ("password", "fits"),
    [("x", True), ("${PW}", True), ({"file": "pw"}, True), ({"path": "pw"}, False), (1, False)],
)
def test_schema_of_a_secret(password: object, fits: bool) -> None:
    inventory = {**minimal(), "defaults": {"ssh": {"password": password}}}
    assert VALIDATOR.is_valid(inventory) is fits


def test_the_schema_describes_settings() -> None:
    text = schema()["$defs"]["Ssh"]["properties"]["bastion"]["description"]
    assert text == "[user@]host[:port] of a jump host; IPv6: [user@][address]:port."
