"""What addons need of hosts: all of it together, provided, and refused where it cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.deploys.hosts import prepare
from kubeinstall.deploys.rendered import rendered
from kubeinstall.families import FAMILIES
from kubeinstall.files import hosts as host_files
from kubeinstall.inventory.catalogue.host_needs import host_needs, numbers
from kubeinstall.inventory.model import Cluster
from kubeinstall.preflight.rules import judge
from kubeinstall.verify.checks import system
from tests.unit.checked import always, ended
from tests.unit.clusters import cluster
from tests.unit.probed import only, probes
from tests.unit.recorded import commands, recording

pytestmark = pytest.mark.unit

STORE: dict[str, Any] = {
    "packages": {"debian": ["open-iscsi", "nfs-common"], "redhat": ["iscsi-initiator-utils"]},
    "modules": ["iscsi_tcp", "overlay"],
    "sysctls": {"vm.max_map_count": 1048576, "fs.aio-max-nr": "524288"},
    "services": ["iscsid.service"],
    "kernel": "5.8",
}
SEARCH: dict[str, Any] = {
    "packages": {"debian": ["nfs-common"], "openeuler": ["nfs-utils"]},
    "modules": ["iscsi_tcp"],
    "kernel": "5.10",
}


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    """Settings of a cluster with the two addons."""
    for name, hosts in (("store", STORE), ("search", SEARCH)):
        (tmp_path / name).mkdir()
        file = {"name": name, "title": name, "releases": [{"version": "1"}], "hosts": hosts}
        (tmp_path / name / "addon.yaml").write_text(yaml.safe_dump(file))
    return {"addons": {"store": {}, "search": {}}, "addon_folders": [tmp_path]}


@pytest.fixture
def made(spec: dict[str, Any]) -> Cluster:
    return cluster(**spec)


def test_each_thing_once(made: Cluster) -> None:
    needs = host_needs(made)
    assert needs.packages["debian"] == ["open-iscsi", "nfs-common"]
    assert needs.modules == ["iscsi_tcp", "overlay"]
    assert needs.kernel == "5.10"
    assert host_needs(cluster()).model_dump(exclude_defaults=True) == {}


def test_what_is_like_red_hat_takes_its_packages(made: Cluster) -> None:
    packages = {family.name: host_files.addon_packages(made, family) for family in FAMILIES}
    assert packages == {
        "debian": ("open-iscsi", "nfs-common"),
        "redhat": ("iscsi-initiator-utils",),
        "fedora": ("iscsi-initiator-utils",),
        "openeuler": ("nfs-utils",),
    }


def test_files_of_hosts(made: Cluster) -> None:
    files = {file.path: file.content for file in rendered(made, made.workers[0])}
    modules = files[host_files.MODULES_FILE].splitlines()[1:]
    assert modules == ["overlay", "br_netfilter", "iscsi_tcp"]
    assert "vm.max_map_count = 1048576\n" in files[host_files.SYSCTL_FILE]


def test_the_inventory_has_the_last_word(spec: dict[str, Any]) -> None:
    own = cluster(**spec, sysctls={"vm.max_map_count": 2000000})
    assert host_files.sysctls(own)["vm.max_map_count"] == "2000000"


@pytest.mark.parametrize(
    ("kernel", "parsed"),
    [("6.1.0-40-amd64", (6, 1)), ("5.14", (5, 14)), ("7-rc1", (7, 0)), ("junk", (0, 0))],
)
def test_kernel_numbers(kernel: str, parsed: tuple[int, int]) -> None:
    assert numbers(kernel) == parsed


def test_an_old_kernel_is_refused(made: Cluster) -> None:
    finding = only(judge(made, probes(w1={"kernel": "5.9.16"}, w2={"kernel": "5.10.0"})))
    assert (finding.where, finding.severity) == ("w1", "error")
    assert finding.what == "kernel 5.9.16 is too old for the addon search"
    assert finding.why == "it needs 5.10 or later"


@pytest.mark.parametrize(
    ("system_name", "packages"),
    [("debian-12", "open-iscsi, nfs-common"), ("rocky-9", "iscsi-initiator-utils")],
)
def test_the_hosts_phase_provides_it(made: Cluster, system_name: str, packages: str) -> None:
    names = commands(recording(system_name), made, prepare)
    order = [
        f"Install packages that addons need: {packages}",
        "Load kernel modules",
        "Apply kernel settings",
        "Run iscsid, which addons need",
    ]
    assert [name for name in names if name in order] == order
    assert any("modprobe iscsi_tcp" in said for said in names["Load kernel modules"])


def test_verify(spec: dict[str, Any]) -> None:
    check = system.addons_have_what_they_need
    assert ended(check, always("")) == ""
    good = always("iscsi_tcp loaded\noverlay built-in\nactive\n")
    assert "iscsid.service is" in ended(check, good, **spec)
    assert ended(check, always("overlay loaded\n"), **spec) == "not loaded: iscsi_tcp"


@pytest.mark.parametrize(
    ("network", "modules", "kernel"),
    [
        ({"plugin": "bridge"}, [], None),
        ({"plugin": "flannel"}, ["vxlan"], None),
        ({"plugin": "flannel", "flannel": {"backend": "host-gw"}}, [], None),
        ({"plugin": "canal", "canal": {"backend": "udp"}}, ["tun"], None),
        ({"plugin": "flannel", "flannel": {"backend": "wireguard"}}, ["wireguard"], "5.6"),
        ({"plugin": "calico"}, ["ipip"], None),
        (
            {"plugin": "calico", "calico": {"encapsulation": "vxlan", "wireguard": True}},
            ["vxlan", "wireguard"],
            "5.6",
        ),
    ],
)
def test_what_carries_packets_between_nodes(
    network: dict[str, Any], modules: list[str], kernel: str | None
) -> None:
    needs = host_needs(cluster(network=network))
    assert (needs.modules, needs.kernel) == (modules, kernel)
