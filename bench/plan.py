"""The whole command line over many hosts: `up` and `plan`, to the phase `hosts`.

python -m bench.plan [--hosts 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.cost import Cost, run
from bench.fleet import fleet, inventory
from bench.hosts import prepare
from bench.results import FIRST, OURS, SECOND, add_options, collect, save

LIMIT = 15.0
"""Seconds that `plan` of 200 converged hosts may take."""
_CHANGES = 2
_CONVERGED = "plan, converged"


def main() -> int:
    """Measure, print the table, and fail above the limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.plan")
    parser.add_argument("--hosts", type=int, default=200)
    add_options(parser)
    given = parser.parse_args()
    costs: dict[str, Cost] = {}
    with fleet(given.hosts, prepare()) as bench, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.yaml"
        file.write_text(inventory(bench))
        ours = [sys.executable, "-m", "kubeinstall"]
        rest = ["-i", str(file), "--until", "hosts"]
        costs["plan, fresh"] = run([*ours, "plan", *rest], codes=[_CHANGES])
        costs[FIRST] = run([*ours, "up", "-y", *rest])
        costs[SECOND] = run([*ours, "up", "-y", *rest])
        costs[_CONVERGED] = run([*ours, "plan", *rest])
    print("| | s | CPU s | peak MB | CPU ms/host |\n|---|---|---|---|---|")
    for name, cost in costs.items():
        row = f"{cost.seconds:.1f} | {cost.cpu:.1f} | {cost.megabytes:.0f}"
        print(f"| {name} | {row} | {1000 * cost.cpu / given.hosts:.0f} |")
    if given.json:
        rows = [cost.row(OURS, name, given.hosts) for name, cost in costs.items()]
        save(given.json, collect("plan", rows, OURS, "pyinfra", "paramiko", note=given.note))
    return 1 if costs[_CONVERGED].seconds > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
