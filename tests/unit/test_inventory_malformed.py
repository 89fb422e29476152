"""Malformed inventories: every error of each, with its place, in words that help.

Each file in ``malformed/`` begins with what is expected of it, all findings in order::

    # error LINE:COLUMN what          (- for LINE:COLUMN: the file as a whole)
    #   next: what to do next
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.load import load_with_warnings

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parent / "malformed"
CASES = sorted(FOLDER.glob("*.yaml"))
JARGON = ("pydantic", "http://errors", "https://errors", "Traceback", "ctx", "dict_type", "str_")
SECRETS = ("hunter2", "123456")


def expected(path: Path) -> list[str]:
    """The comment block a case begins with, up to a line with nothing but ``#``."""
    lines: list[str] = []
    for line in path.read_text().splitlines():
        if line == "#":
            return lines
        lines.append(line.replace("{folder}", str(FOLDER)))
    raise AssertionError(f"{path.name} has no line with nothing but #")


def as_comment(path: Path, finding: Finding) -> list[str]:
    """A finding as a case's header has it."""
    position = finding.where.removeprefix(str(path)).lstrip(":") or "-"
    lines = [f"# {finding.severity} {position} {finding.what}"]
    return [*lines, f"#   next: {finding.next}"] if finding.next else lines


def test_there_are_many() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_malformed(path: Path) -> None:
    with pytest.raises(KubeinstallError) as raised:
        load_with_warnings(path, {})
    findings = raised.value.findings
    assert [line for f in findings for line in as_comment(path, f)] == expected(path)
    assert all(f.kind is Kind.INVENTORY for f in findings)
    assert any(f.severity == "error" for f in findings)
    told = str(raised.value)
    assert not [word for word in (*JARGON, *SECRETS) if word in told]
