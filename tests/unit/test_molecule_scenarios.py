"""Molecule's scenarios: their inventories, and the hosts that Molecule is told of."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from kubeinstall.inventory.load import load
from kubeinstall.inventory.schema import schema
from tests.running import REPO

pytestmark = pytest.mark.unit

SCENARIOS = sorted(path.parent for path in REPO.glob("molecule/*/molecule.yml"))
SCHEMA = "# yaml-language-server: $schema="


def test_both_are_here() -> None:
    assert [path.name for path in SCENARIOS] == ["default", "hosts"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_the_inventory_fits_the_schema_and_points_editors_at_it(scenario: Path) -> None:
    text = (scenario / "cluster.yaml").read_text()
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(text))
    first = text.splitlines()[0]
    assert first.startswith(SCHEMA)
    assert (scenario / first.removeprefix(SCHEMA)).is_file()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_molecule_has_the_hosts_of_the_inventory(scenario: Path) -> None:
    cluster = load(scenario / "cluster.yaml", files_must_exist=False)
    platforms = yaml.safe_load((scenario / "molecule.yml").read_text())["platforms"]
    assert [platform["name"] for platform in platforms] == [host.name for host in cluster.hosts]


def test_scenarios_can_run_beside_each_other() -> None:
    labs = [load(path / "cluster.yaml", files_must_exist=False) for path in SCENARIOS]
    subnets = [lab.lab.subnet for lab in labs if lab.lab]
    assert len({lab.spec.name for lab in labs}) == len(labs)
    assert len(subnets) == len(SCENARIOS)
    assert not subnets[0].overlaps(subnets[1])
