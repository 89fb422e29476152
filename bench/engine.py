"""Measure the engine against plain pyinfra and Ansible, in one run.

python -m bench.engine [--hosts 1,5,20,50] [--tools ours,pyinfra,ansible] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import cost
from bench.cost import Cost
from bench.deploy import FILES, content
from bench.hosts import USER, Bench, hosts, prepare
from bench.results import ANSIBLE, FIRST, OURS, PYINFRA, SECOND, Row, add_options, collect, save

_HERE = Path(__file__).parent
_BIN = Path(sys.executable).parent


def main() -> int:
    """Run the measurements and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine")
    parser.add_argument("--hosts", default="1,5,20,50")
    parser.add_argument("--tools", default="ours,pyinfra,ansible")
    add_options(parser)
    given = parser.parse_args()
    layer = prepare()
    costs: dict[tuple[str, int], tuple[Cost, Cost]] = {}
    counts = [int(count) for count in given.hosts.split(",")]
    for count in counts:
        for tool in given.tools.split(","):
            costs[tool, count] = _measure(tool, count, layer)
            first, again = costs[tool, count]
            print(f"{tool} on {count}: first {first}, again {again}", file=sys.stderr, flush=True)
            if given.json:  # each time: what is measured is kept if a later tool fails
                save(given.json, collect("engine", _rows(costs), *_VERSIONS, note=given.note))
    print(_table(costs, counts))
    return 0


def _measure(tool: str, count: int, layer: Path) -> tuple[Cost, Cost]:
    """A first run and a second one on fresh hosts.

    Raises:
        RuntimeError: the second run changed something, or one of them failed.
    """
    with hosts(count, layer) as bench, tempfile.TemporaryDirectory() as folder:
        words, environment = _TOOLS[tool](bench, Path(folder))
        first = cost.run(words, environment)
        again = cost.run(words, environment)
    if again.changed or first.changed < 24 * count:
        raise RuntimeError(f"{tool}: {first.changed} changes, then {again.changed}")
    return first, again


def _ours(bench: Bench, folder: Path) -> tuple[list[str], dict[str, str]]:
    _ = folder
    return ours(bench), {}


def _pyinfra(bench: Bench, folder: Path) -> tuple[list[str], dict[str, str]]:
    data = {
        "ssh_hostname": "127.0.0.1",
        "ssh_user": USER,
        "ssh_key": str(bench.key),
        "ssh_known_hosts_file": str(bench.known_hosts),
    }
    made = [(name, {**data, "ssh_port": port}) for name, port in bench.ports.items()]
    inventory = folder / "inventory.py"
    inventory.write_text(f"hosts = {made!r}\n")
    return [
        str(_BIN / "pyinfra"),
        "-y",
        "--sudo",
        "--parallel",
        "50",
        str(inventory),
        "bench.deploy.settle",
    ], {"PYTHONPATH": str(_HERE.parent)}


def _ansible(bench: Bench, folder: Path) -> tuple[list[str], dict[str, str]]:
    inventory = folder / "hosts"
    inventory.write_text(
        "".join(
            f"{name} ansible_host=127.0.0.1 ansible_port={port} ansible_user={USER} "
            f"ansible_ssh_private_key_file={bench.key} "
            "ansible_python_interpreter=/usr/bin/python3\n"
            for name, port in bench.ports.items()
        )
    )
    values = folder / "values.json"
    values.write_text(json.dumps({"contents": {name: content(name) for name in FILES}}))
    settings = {
        "ANSIBLE_FORKS": "50",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s "
        f"-o UserKnownHostsFile={bench.known_hosts} -o ControlPath={folder}/%C",
    }
    words = [str(_BIN / "ansible-playbook"), "-i", str(inventory), "-e", f"@{values}"]
    return [*words, str(_HERE / "playbook.yml")], settings


_TOOLS: dict[str, Callable[[Bench, Path], tuple[list[str], dict[str, str]]]] = {
    "ours": _ours,
    "pyinfra": _pyinfra,
    "ansible": _ansible,
}

_VERSIONS = (OURS, PYINFRA, "ansible-core", "paramiko")
_NAMES = {"ours": OURS, "pyinfra": PYINFRA, "ansible": ANSIBLE}


def _rows(costs: dict[tuple[str, int], tuple[Cost, Cost]]) -> list[Row]:
    return [
        cost.row(_NAMES[tool], run, count)
        for (tool, count), pair in costs.items()
        for run, cost in zip((FIRST, SECOND), pair, strict=True)
    ]


def ours(bench: Bench) -> list[str]:
    """The command line of one run with kubeinstall's engine."""
    ports = map(str, bench.ports.values())
    return [sys.executable, "-m", "bench.ours", str(bench.key), str(bench.known_hosts), *ports]


def _table(costs: dict[tuple[str, int], tuple[Cost, Cost]], counts: list[int]) -> str:
    """First run and no-op in seconds, how many times ours the others take, and ours' costs."""
    lines = [
        "| hosts | run | kubeinstall s | CPU s | peak MB | pyinfra s | times | Ansible s | times |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for count in counts:
        for index, run in enumerate(("first", "no-op")):
            ours = costs["ours", count][index] if ("ours", count) in costs else None
            cells = [str(count), run]
            cells += (
                [f"{ours.seconds:.2f}", f"{ours.cpu:.2f}", f"{ours.megabytes:.0f}"]
                if ours
                else ["", "", ""]
            )
            for tool in ("pyinfra", "ansible"):
                other = costs.get((tool, count))
                cells.append(f"{other[index].seconds:.1f}" if other else "")
                cells.append(f"{other[index].seconds / ours.seconds:.1f}" if other and ours else "")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
