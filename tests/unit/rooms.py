"""Which room (subpackage) may import which: the table, and what the code imports."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import kubeinstall

TOP = Path(kubeinstall.__file__).parent

LEAVES = {"findings", "documents", "resources", "templates", "certificates", "openpgp", "__init__"}
"""Modules at the top level that every room may import; they import only each other."""


@dataclass(frozen=True)
class Room:
    """A subpackage.

    Args:
        holds: its contents.
        may: the rooms that it may import, separated by spaces.
    """

    holds: str
    may: str = ""

    @property
    def imports(self) -> frozenset[str]:
        return frozenset(self.may.split())


ROOMS: Mapping[str, Room] = {
    "releases": Room("what each Kubernetes minor release needs: data and lookups"),
    "inventory": Room(
        "loading, checking and resolving an inventory; its JSON Schema; the catalogue of addons",
        "releases",
    ),
    "facts": Room("kubeinstall's pyinfra facts, and typed parsers of what hosts report"),
    "operations": Room("kubeinstall's pyinfra operations", "facts"),
    "ssh": Room(
        "ssh connections: host keys, a persistent root shell, reasons for failures; no pyinfra",
        "inventory",
    ),
    "engine": Room(
        "running pyinfra: bulk facts, rounds, events, redaction, the lock", "ssh inventory"
    ),
    "files": Room(
        "renderers of all files that are written to hosts, as pure functions",
        "facts operations inventory releases",
    ),
    "families": Room(
        "differences between operating systems, one file per family",
        "facts operations files inventory releases",
    ),
    "cluster": Room(
        "the running cluster: typed state, kubectl, the control plane to query, readiness, "
        "draining, tokens, kubeconfigs",
        "engine facts files operations inventory releases",
    ),
    "addons": Room(
        "objects of an inventory's addons: values, charts, comparison, readiness",
        "cluster inventory releases",
    ),
    "deploys": Room(
        "pyinfra deploys by topic: hosts, runtime, Kubernetes, network, addons",
        "addons facts families files inventory operations releases",
    ),
    "preflight": Room(
        "probes and rules by subject; comparing the running cluster with the inventory",
        "cluster engine facts families files inventory operations releases",
    ),
    "verify": Room(
        "the testinfra checks that users run", "addons cluster engine facts files inventory"
    ),
    "diagnose": Room("evidence of a failure and its likely cause", "cluster"),
    "report": Room("output: terminal, plan, JSON", "engine"),
    "lab": Room(
        "hosts, their snapshots and a package mirror on this machine",
        "facts inventory releases",
    ),
    "phases": Room(
        "one file per phase: what it decides and deploys",
        "addons cluster deploys engine facts files inventory operations preflight report verify",
    ),
    "run": Room(
        "a run: the list of phases, selection, the runner, why hosts failed",
        "diagnose engine inventory phases",
    ),
    "cli": Room(
        "click commands, one file per command; no logic",
        "addons cluster deploys engine facts families files inventory lab phases "
        "releases report run verify",
    ),
    "__main__": Room("the script `kubeinstall`", "cli engine"),
}
"""The rooms, lowest first: each imports only rooms above itself in this table."""


def floors() -> list[list[str]]:
    """Rooms by floor, the top one first: each imports only from floors below its own."""
    level: dict[str, int] = {}
    for name, room in ROOMS.items():
        level[name] = 1 + max((level[other] for other in room.imports), default=-1)
    top = max(level.values())
    return [[name for name in ROOMS if level[name] == floor] for floor in range(top, -1, -1)]


def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name below ``kubeinstall``."""
    found = {}
    for path in TOP.rglob("*.py"):
        parts = path.relative_to(TOP).with_suffix("").parts
        if parts[0] == "_data":
            continue
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


def imports(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of ours that a file imports, at its top or within a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "kubeinstall":
            base = (node.module or "").removeprefix("kubeinstall").removeprefix(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".removeprefix(".")
                yield full if full in known else base or "__init__"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "kubeinstall":
                    yield alias.name.removeprefix("kubeinstall").removeprefix(".") or "__init__"


def arrows() -> dict[str, set[str]]:
    """Module to the modules that it imports."""
    known = modules()
    return {name: set(imports(path, known)) - {name} for name, path in known.items()}


def between() -> dict[tuple[str, str], list[str]]:
    """Pairs of rooms, to the imports that make one need the other."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for module, used in arrows().items():
        for other in sorted(used):
            pair = module.split(".")[0], other.split(".")[0]
            if pair[0] != pair[1]:
                found[pair].append(f"{module} imports {other}")
    return found
