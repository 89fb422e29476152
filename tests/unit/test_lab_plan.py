"""What a lab consists of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.findings import Kind
from kubeinstall.inventory.load import load
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabPlan, Purpose, plan
from tests.running import INVENTORIES

pytestmark = pytest.mark.unit


def planned(folder: Path, name: str = "some", lab: Any = None, worker: str = "w1") -> LabPlan:
    document: dict[str, Any] = {
        "cluster": {"name": name, "kubernetes": "1.36.2"},
        "groups": {
            "control_plane": {"hosts": {"cp1": {"address": "10.80.0.11"}}},
            "workers": {"hosts": {worker: {"address": "10.80.0.12"}}},
        },
    }
    if lab is not None:
        document["lab"] = lab
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(document))
    return plan(load(path, files_must_exist=False))


def test_hosts_of_the_inventory_and_of_the_lab(tmp_path: Path) -> None:
    lab = planned(
        tmp_path, lab={"subnet": "10.80.0.0/24", "mirror": "10.80.0.2", "bastion": "10.80.0.3"}
    )
    assert [(host.name, host.address, host.purpose) for host in lab.hosts] == [
        ("cp1", "10.80.0.11", Purpose.NODE),
        ("w1", "10.80.0.12", Purpose.NODE),
        ("mirror", "10.80.0.2", Purpose.MIRROR),
        ("bastion", "10.80.0.3", Purpose.BASTION),
    ]
    assert lab.mirror == lab.host("mirror")
    assert lab.gateway == "10.80.0.1"
    assert lab.kubernetes == "1.36.2"


def test_no_mirror_unless_asked_for(tmp_path: Path) -> None:
    lab = planned(tmp_path, lab={"subnet": "10.80.0.0/24"})
    assert lab.mirror is None
    assert [host.name for host in lab.hosts] == ["cp1", "w1"]


def test_an_inventory_without_a_lab(tmp_path: Path) -> None:
    with pytest.raises(LabError) as raised:
        planned(tmp_path)
    finding = raised.value.findings[0]
    assert finding.kind is Kind.LAB
    assert finding.where.endswith("inventory.yaml")
    assert "lab:" in finding.next


@pytest.mark.parametrize("name", ["mirror", "bastion"])
def test_names_that_the_lab_takes(tmp_path: Path, name: str) -> None:
    section = {"subnet": "10.80.0.0/24", name: "10.80.0.9"}
    with pytest.raises(LabError, match=name):
        planned(tmp_path, lab=section, worker=name)
    assert planned(tmp_path, lab={"subnet": "10.80.0.0/24"}, worker=name).host(name)


def test_an_unknown_host_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"w7[\s\S]*cp1, w1"):
        planned(tmp_path, lab={"subnet": "10.80.0.0/24"}).host("w7")


def test_names_on_the_machine_are_short_and_differ(tmp_path: Path) -> None:
    """Interfaces have at most 15 characters; hosts of one name in two labs are two."""
    section = {"subnet": "10.80.0.0/24"}
    labs = [planned(tmp_path, name=name, lab=section) for name in ("a", "b" * 60, "b" * 61)]
    bridges = [lab.bridge for lab in labs]
    cables = [f"vb-{host.machine}" for lab in labs for host in lab.hosts]
    assert all(len(name) <= 15 for name in (*bridges, *cables))
    assert len({*bridges, *cables}) == len(bridges) + len(cables)
    assert len({host.machine_id for lab in labs for host in lab.hosts}) == 6
    assert len({host.cgroup for lab in labs for host in lab.hosts}) == 6


@pytest.mark.parametrize("name", ["lab", "lab-containerd"])
def test_example_labs(name: str) -> None:
    """They look for keys where the lab puts them, and for packages where its mirror is."""
    cluster = load(INVENTORIES / f"{name}.yaml", files_must_exist=False)
    lab = plan(cluster)
    assert lab.mirror is not None
    address = lab.mirror.address
    assert cluster.spec.packages.url == f"http://{address}"
    assert cluster.spec.packages.key == lab.mirror_key
    assert cluster.spec.image_repository == f"{address}:5000"
    assert cluster.spec.smoke.image.startswith(f"{address}:5000/")
    assert cluster.spec.time.servers == [address]
    assert cluster.spec.runtime.registries[f"{address}:5000"].insecure
    assert {host.ssh.key for host in cluster.hosts} == {lab.key}
    assert {host.ssh.known_hosts for host in cluster.hosts} == {lab.known_hosts}
