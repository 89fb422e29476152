"""docs/security.md names for each line the test that holds it: each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.running import REPO

pytestmark = pytest.mark.unit

NAMED = re.findall(
    r"(tests/[\w/]+\.py)::(\w+)", (REPO / "docs" / "security.md").read_text(encoding="utf-8")
)


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((REPO / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_the_page_names_exists(file: str, name: str) -> None:
    assert name in functions(file)


def test_every_row_of_what_could_be_tried_names_one() -> None:
    text = (REPO / "docs" / "security.md").read_text(encoding="utf-8")
    tried = text[text.index("## What each could try") : text.index("## What is not protected")]
    rows = [line for line in tried.splitlines() if line.startswith("| ")]
    heads = ("| Attempt |", "| Where a secret could show |")
    assert len(rows) > 30
    assert [row for row in rows if not row.startswith(heads) and "::" not in row] == []
