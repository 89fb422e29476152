"""Every piece of an inventory in the documentation is one that is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubeinstall.documents import merged
from kubeinstall.inventory.load import load_with_warnings
from tests.pages import fenced
from tests.running import INVENTORIES

pytestmark = pytest.mark.unit

PIECES = fenced("docs/inventory.md")


@pytest.mark.parametrize("piece", PIECES, ids=range(len(PIECES)))
def test_a_piece_over_the_smallest_inventory(piece: str, tmp_path: Path) -> None:
    whole = merged(yaml.safe_load((INVENTORIES / "small.yaml").read_text()), yaml.safe_load(piece))
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(whole))
    (tmp_path / "hub.password").write_text("secret")
    load_with_warnings(path, {}, files_must_exist=False)


def test_there_are_pieces() -> None:
    assert len(PIECES) > 5
