"""Whether a host costs more when there are more of them.

A first run and a no-op of bench.ours on fresh hosts, for each number of hosts; see bench/README.md.

    python -m bench.growth [--hosts 20,50,100,200] [--json FILE]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cost import Cost, run
from bench.engine import ours
from bench.hosts import hosts, prepare
from bench.results import FIRST, OURS, SECOND, add_options, collect, save

RUNS = (FIRST, SECOND)
LIMIT = 1.2
"""How many times what it costs among the fewest hosts, a host may cost among the most."""

Costs = dict[tuple[int, str], Cost]
"""Number of hosts and run to what it took."""


def main() -> int:
    """Measure, print the table, and fail if a host's cost grows."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--hosts", default="20,50,100,200")
    add_options(parser)
    given = parser.parse_args()
    counts = sorted({int(count) for count in given.hosts.split(",")} - {1})
    layer = prepare()
    costs: Costs = {}
    for count in (1, *counts):
        costs |= {
            (count, name): cost for name, cost in zip(RUNS, _measure(count, layer), strict=True)
        }
        for name in RUNS:
            print(f"{count} hosts, {name}: {costs[count, name]}", file=sys.stderr, flush=True)
    print(table(costs, counts))
    grown = growth(costs, counts)
    if given.json:
        rows = [cost.row(OURS, name, count) for (count, name), cost in costs.items()]
        save(given.json, collect("growth", rows, OURS, "pyinfra", "paramiko", note=given.note))
    return 1 if max(grown.values()) > LIMIT else 0


def _measure(count: int, layer: Path) -> tuple[Cost, Cost]:
    """A first run and a second one on fresh hosts.

    Raises:
        RuntimeError: the second run changed something, or one of them failed.
    """
    with hosts(count, layer) as bench:
        first, again = run(ours(bench)), run(ours(bench))
    if again.changed or first.changed < 24 * count:
        raise RuntimeError(f"{first.changed} changes, then {again.changed}")
    return first, again


def each(costs: Costs, count: int, name: str) -> tuple[float, float, float]:
    """Seconds, seconds of processor and megabytes for each host beyond the first.

    What one host takes is mostly the start of the interpreter, which would hide growth.
    """
    one, all_ = costs[1, name], costs[count, name]
    return (
        (all_.seconds - one.seconds) / (count - 1),
        (all_.cpu - one.cpu) / (count - 1),
        (all_.megabytes - one.megabytes) / (count - 1),
    )


def growth(costs: Costs, counts: list[int]) -> dict[str, float]:
    """How many times as much a host costs among the most as among the fewest, by run and cost."""
    return {
        f"{name} {what}": most / fewest
        for name in RUNS
        for what, most, fewest in zip(
            ("seconds", "cpu", "megabytes"),
            each(costs, counts[-1], name),
            each(costs, counts[0], name),
            strict=True,
        )
    }


def table(costs: Costs, counts: list[int]) -> str:
    """Whole runs, and each host beyond the first."""
    lines = [
        "| hosts | run | s | CPU s | peak MB | ms/host | CPU ms/host | MB/host |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in RUNS:
        for count in (1, *counts):
            cost = costs[count, name]
            cells = [f"{count}", name, f"{cost.seconds:.2f}", f"{cost.cpu:.2f}"]
            cells.append(f"{cost.megabytes:.0f}")
            if count > 1:
                seconds, cpu, memory = each(costs, count, name)
                cells += [f"{1000 * seconds:.0f}", f"{1000 * cpu:.0f}", f"{memory:.2f}"]
            else:
                cells += ["", "", ""]
            lines.append(f"| {' | '.join(cells)} |")
        grown = [
            f"{ratio:.2f}" for key, ratio in growth(costs, counts).items() if key.startswith(name)
        ]
        lines.append(f"| {counts[-1]} / {counts[0]} | {name} | | | | {' | '.join(grown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
