"""The parts of README.md and docs that are written from data, between comments that name them.

``python -m tests.pages`` writes them; a test holds that they are written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import yaml

from kubeinstall.cli.plan import CHANGES
from kubeinstall.families import SYSTEMS
from kubeinstall.findings import Kind
from kubeinstall.inventory import changes
from kubeinstall.run.phases import PHASES
from tests.running import REPO
from tests.unit.rooms import ROOMS, floors

_BLOCK = re.compile(r"(?m)^(<!-- begin (.+?) \(.*\) -->\n)(?:.*\n)*?(<!-- end \2 -->\n)")
_FENCED = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NAMES = {
    "rhel": "RHEL",
    "rocky": "Rocky Linux",
    "almalinux": "AlmaLinux",
    "centos": "CentOS Stream",
    "openEuler": "openEuler",
}
EXIT_CODES: Mapping[int, str] = {
    0: "success",
    CHANGES: "the plan contains changes",
    Kind.INVENTORY: "the inventory has errors",
    Kind.CONNECT: "a host is unreachable",
    Kind.PREFLIGHT: "a preflight check failed",
    Kind.OPERATION: "an operation failed",
    Kind.CLUSTER: "the cluster is not as the inventory describes it",
    Kind.VERIFY: "a check of `verify` failed",
    Kind.LOCKED: "another run holds the lock",
    Kind.LAB: "the lab failed",
    Kind.LOCAL: "something on this machine failed",
    Kind.USAGE: "wrong usage",
    Kind.INTERNAL: "internal error",
    Kind.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True)
class Attempt:
    """A row of the security page.

    Args:
        attempt: what could be tried, or where a secret could show.
        stopped_by: what keeps it from succeeding.
        tests: ``FILE::FUNCTION`` of the tests that hold that.
    """

    attempt: str
    stopped_by: str
    tests: Sequence[str]


def attempts() -> dict[str, list[Attempt]]:
    """The rows of each table of the security page."""
    read = yaml.safe_load((REPO / "docs" / "security.yaml").read_text(encoding="utf-8"))
    return {name: [Attempt(**row) for row in rows] for name, rows in read.items()}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    head, *lines = (f"| {' | '.join(cells)} |\n" for cells in (heads, *rows))
    return "".join([head, f"|{'---|' * len(heads)}\n", *lines])


def _phases() -> str:
    return ", ".join(phase.name for phase in PHASES) + ".\n"


def _exit_codes() -> str:
    rows = [(str(int(code)), meaning) for code, meaning in sorted(EXIT_CODES.items())]
    return table(("Code", "Meaning"), rows)


def _systems() -> str:
    rows = [(_NAMES.get(s, s.capitalize()), ", ".join(v)) for s, v in SYSTEMS.items()]
    return table(("System", "Releases"), rows)


def _attempts(name: str, rows: Sequence[Attempt]) -> str:
    head = "Where a secret could show" if name == "secrets" else "Attempt"
    cells = [(row.attempt, row.stopped_by, ", ".join(row.tests)) for row in rows]
    return table((head, "What stops it", "Test"), cells)


def _readme() -> str:
    made = {"phases": _phases(), "exit codes": _exit_codes(), "systems": _systems()}
    return filled(_text("README.md"), made)


def _security() -> str:
    made = {name: _attempts(name, rows) for name, rows in attempts().items()}
    return filled(_text("docs/security.md"), made)


def _architecture() -> str:
    rows = [
        (f"`{name}/`", room.holds, ", ".join(sorted(room.imports)))
        for name, room in reversed([*ROOMS.items()])
        if name != "__main__"
    ]
    lines = [" ".join(name for name in floor if name != "__main__") for floor in floors()]
    made = {
        "rooms": table(("Subpackage", "Contents", "May import"), rows),
        "floors": "".join(["```\n", *(f"{line}\n" for line in lines if line), "```\n"]),
    }
    return filled(_text("docs/architecture.md"), made)


PAGES: Mapping[str, Callable[[], str]] = {
    "README.md": _readme,
    "docs/architecture.md": _architecture,
    "docs/changes.md": changes.document,
    "docs/security.md": _security,
}
"""Pages that are written from data, wholly or in part, and their text as it is to be."""


def filled(page: str, made: Mapping[str, str]) -> str:
    """A page with its blocks as they are made.

    Raises:
        ValueError: it does not have each of them once, or has another.
    """
    found = [name for _, name, _ in _BLOCK.findall(page)]
    if sorted(found) != sorted(made):
        raise ValueError(f"the page has the blocks {found}, not {list(made)}")
    return _BLOCK.sub(lambda block: f"{block[1]}\n{made[block[2]]}\n{block[3]}", page)


@cache
def _functions(file: str) -> frozenset[str]:
    tree = ast.parse(_text(file))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def is_a_test(named: str) -> bool:
    """Whether there is a test ``FILE::FUNCTION``."""
    file, _, name = named.partition("::")
    return name.startswith("test_") and name in _functions(file)


def fenced(page: str) -> list[str]:
    """The pieces of YAML that a page shows."""
    return _FENCED.findall(_text(page))


def _text(page: str) -> str:
    return (REPO / page).read_text(encoding="utf-8")


def main() -> None:
    """Write all pages."""
    for page, made in PAGES.items():
        (REPO / page).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
