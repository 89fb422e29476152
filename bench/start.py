"""How soon commands that connect to nothing are done.

`kubeinstall --help` against a bare import of click, and `validate` of 200 hosts, by turns; see
bench/README.md.

    python -m bench.start [--rounds 21] [--json FILE]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.cost import Cost, run
from bench.results import OURS, add_options, collect, save

HELP_LIMIT = 1.5
"""How many times a bare import of click `--help` may take."""
VALIDATE_LIMIT = 1.0
"""Seconds that `validate` of the most hosts may take."""
_FEW, _MANY = 20, 200


def inventory(hosts: int, defaults: str = "ssh: {user: debian}") -> str:
    """An inventory with this number of hosts, one of them a control plane.

    Args:
        defaults: what `defaults` holds.
    """
    workers = "".join(
        f"      w{number}: {{address: 10.0.{number // 250}.{number % 250 + 2}, "
        f"labels: {{rack: r{number % 10}}}}}\n"
        for number in range(1, hosts)
    )
    return (
        "cluster: {name: many, kubernetes: 1.36.2}\n"
        f"defaults: {{{defaults}}}\n"
        "groups:\n"
        "  control_plane:\n    hosts:\n      cp1: {address: 10.0.0.1}\n"
        f"  workers:\n    hosts:\n{workers}"
    )


def main() -> int:
    """Measure, print the table, and fail above a limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.start")
    parser.add_argument("--rounds", type=int, default=21)
    add_options(parser)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = {hosts: Path(folder) / f"{hosts}.yaml" for hosts in (_FEW, _MANY)}
        for hosts, file in files.items():
            file.write_text(inventory(hosts))
        ours = ["-m", "kubeinstall"]
        commands = {
            "import click": ["-c", "import click"],
            "--help": [*ours, "--help"],
            **{f"validate, {n} hosts": [*ours, "validate", "-i", str(f)] for n, f in files.items()},
        }
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(given.rounds):
            for name, words in commands.items():
                costs[name].append(run([sys.executable, *words]))
    seconds = {name: median(cost.seconds for cost in of) for name, of in costs.items()}
    cpu = {name: median(cost.cpu for cost in of) for name, of in costs.items()}
    times = {name: taken / cpu["import click"] for name, taken in cpu.items()}
    print("| | ms | CPU ms | times import click |\n|---|---|---|---|")
    for name in commands:
        row = f"{1000 * seconds[name]:.0f} | {1000 * cpu[name]:.0f} | {times[name]:.2f}"
        print(f"| {name} | {row} |")
    if given.json:
        rows = [
            cost.row("python" if name == "import click" else OURS, name, 0)
            for name, of in costs.items()
            for cost in of
        ]
        save(given.json, collect("start", rows, OURS, "click", note=given.note))
    slow = cpu[f"validate, {_MANY} hosts"] > VALIDATE_LIMIT
    return 1 if times["--help"] > HELP_LIMIT or slow else 0


if __name__ == "__main__":
    sys.exit(main())
