"""What is decided is decided by fields; sentences are made at the exit and never read back."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pkgutil
from collections.abc import Generator, Iterator
from pathlib import Path
from types import ModuleType

import pyinfra.operations
import pytest
from pyinfra.api.deploy import deploy
from pyinfra.api.operation import operation
from pyinfra.operations import server

import kubeinstall
from kubeinstall import operations
from kubeinstall.engine.types import Kept
from kubeinstall.findings import Finding, Kind, Place
from kubeinstall.operations.commands import Command, operation_id
from kubeinstall.operations.names import hostname
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession, steps

pytestmark = pytest.mark.unit

SENTENCES = {"where", "what", "why", "next", "title", "operation", "output"}
"""Attributes that hold words for people."""
READERS = {
    *("split", "rsplit", "partition", "rpartition", "splitlines", "startswith", "endswith"),
    *("removeprefix", "removesuffix", "find", "index"),
}


def is_sentence(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in SENTENCES


def readings(tree: ast.Module) -> Iterator[str]:
    """Where a module takes a sentence apart, or compares one, to find something out."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in READERS:
                found = is_sentence(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=args):
                found = any(map(is_sentence, args))
            case ast.Compare(left=left, comparators=others):
                found = any(map(is_sentence, (left, *others)))
            case _:
                found = False
        if found:
            yield ast.unparse(node)


def modules() -> Iterator[tuple[str, ast.Module]]:
    top = Path(kubeinstall.__file__).parent
    for path in sorted(top.rglob("*.py")):
        yield str(path.relative_to(top)), ast.parse(path.read_text(encoding="utf-8"))


def test_no_sentence_is_read_to_decide_something() -> None:
    found = [f"{name}: {text}" for name, tree in modules() for text in readings(tree)]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "finding.where.split(', ')",
        "name, _, rest = found.where.partition(' ')",
        "'not found' in finding.where",
        "finding.where == 'w1'",
        "re.search('x', error.findings[0].where)",
    ],
)
def test_a_reading_would_be_found(source: str) -> None:
    assert list(readings(ast.parse(source)))


@pytest.mark.parametrize("source", ["event.operation == 'x'", "[e.operation for e in events]"])
def test_a_title_of_an_operation_would_be_found(source: str) -> None:
    assert asks_for_titles(ast.parse(source))


def test_nothing_but_the_report_asks_for_the_title_of_an_operation() -> None:
    rooms = ("engine/", "report/")
    assert [n for n, tree in modules() if not n.startswith(rooms) and asks_for_titles(tree)] == []


def asks_for_titles(tree: ast.Module) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == "operation" for n in ast.walk(tree))


def functions(package: ModuleType) -> dict[str, list[str]]:
    """Every operation of a package, by its id."""
    found: dict[str, list[str]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name, value in vars(module).items():
            own = getattr(value, "__module__", "") == module.__name__
            if own and hasattr(getattr(value, "_inner", None), "is_idempotent"):
                found.setdefault(operation_id(value), []).append(f"{module.__name__}.{name}")
    return found


def test_no_two_operations_have_one_id() -> None:
    ours, theirs = functions(operations), functions(pyinfra.operations)
    assert len(ours) > 50
    assert {"server.service", "files.put"} <= theirs.keys()
    assert not [paths for paths in ours.values() if len(paths) > 1]
    assert not ours.keys() & theirs.keys()


def test_an_event_has_the_id_of_its_operation() -> None:
    @deploy("Test")
    def both() -> None:
        server.shell(commands=["true"], name="One title")
        hostname(wanted=os.uname().nodename, name="Another title")

    with LocalSession(cluster(workers=0)) as session:
        result = session.round("hosts", {"cp1": steps(both)}, dry=True)["cp1"]
    assert [(e.operation_id, e.operation) for e in result.events] == [
        ("server.shell", "One title"),
        ("names.hostname", "Another title"),
    ]


def test_what_an_operation_kept_is_data_of_its_event(tmp_path: Path) -> None:
    """Of the try that counts, where it is tried again."""
    script = (
        f"printf 'Namespace shop\\n'; test -e {tmp_path}/again || {{ >{tmp_path}/again; exit 1; }}"
    )

    @operation()
    def remove() -> Generator[Command]:
        yield Command(script, kept=kept)

    def kept(printed: str) -> Iterator[dict[str, str]]:
        for kind, name in (line.split() for line in printed.splitlines()[:1]):
            yield {"kind": kind, "name": name, "holds": "Deployment/mine"}

    @deploy("Test")
    def made() -> None:
        remove(_retries=1)

    with LocalSession(cluster(workers=0)) as session:
        (event,) = session.round("addons", {"cp1": steps(made)})["cp1"].events
    assert event.kept == (Kept("Namespace", "shop", "Deployment/mine"),)
    found = {"kind": "Namespace", "name": "shop", "holds": "Deployment/mine"}
    assert json.loads(json.dumps(event.as_dict()))["kept"] == [found]


def test_a_finding_about_several_hosts_names_them_all() -> None:
    finding = Finding(Kind.PREFLIGHT, "the same machine-id", ("w1", "w2"))
    assert str(finding) == "w1, w2: the same machine-id"
    assert finding.as_dict() == {
        "kind": "PREFLIGHT",
        "what": "the same machine-id",
        "hosts": ("w1", "w2"),
        "why": "",
        "next": "",
        "severity": "error",
        "place": None,
        "where": "w1, w2",
    }


def test_a_finding_about_a_file_says_where_in_it() -> None:
    finding = Finding(Kind.INVENTORY, "unknown key", place=Place("a.yaml", 9, 19))
    assert str(finding) == "a.yaml:9:19: unknown key"
    assert finding.as_dict()["place"] == {"file": "a.yaml", "line": 9, "column": 19}
    assert str(Place("a.yaml", 9)) == "a.yaml:9"
    assert str(Place("a.yaml")) == "a.yaml"
