"""The benchmark of joins: its lab, and what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench.joins import Measured, table, with_workers
from kubeinstall.inventory.load import load
from tests.running import REPO

pytestmark = pytest.mark.unit

LAB = (REPO / "inventories/lab.yaml").read_text()


def test_the_lab_has_as_many_workers_as_join(tmp_path: Path) -> None:
    inventory = tmp_path / "lab.yaml"
    inventory.write_text(with_workers(LAB, 11))
    made, lab = load(inventory, files_must_exist=False), yaml.safe_load(LAB)
    assert [host.name for host in made.workers] == [f"w{n}" for n in range(1, 12)]
    assert len({host.address for host in made.hosts}) == 12
    assert made.first.address == lab["groups"]["control_plane"]["hosts"]["cp1"]["address"]
    assert made.spec.name == lab["cluster"]["name"]


def test_the_table_has_both_and_their_ratios() -> None:
    one, many = Measured(1, 5.0, 4.0), Measured(10, 20.0, 30.0)
    first, second, ratio = table(one, many).splitlines()
    assert " ".join(first.split()) == "1 workers 5.0 s 4.0 s of processor, 0.8 busy"
    assert " ".join(second.split()) == "10 workers 20.0 s 30.0 s of processor, 1.5 busy"
    assert ratio.startswith("10 workers take 4.0 times as long as one, and 7.5 times the processor")
