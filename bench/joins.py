"""Ten workers that join a lab's cluster at once, against one that joins it alone.

The lab has one control plane and eleven workers, prepared up to the point where they join: the
first joins alone, the others together. What is measured is the phase ``workers`` of ``kubeinstall
up``, and how busy the machine's processors were meanwhile: controller, control plane and workers
share them.

    scripts/bench joins [-i inventories/lab.yaml] [--workers 10]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import yaml
from rich.console import Console

from bench.results import OURS, Row, add_options, collect, save
from kubeinstall.cli.running import running
from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import Cluster
from kubeinstall.lab import lab
from kubeinstall.lab.plan import plan
from kubeinstall.report.terminal import Terminal
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from kubeinstall.run.selection import pick

_FIRST_ADDRESS = 21


@dataclass(frozen=True)
class Measured:
    """Workers that joined at once.

    Args:
        workers: how many.
        seconds: that the phase took.
        cpu: seconds that the machine's processors were busy meanwhile, all together.
    """

    workers: int
    seconds: float
    cpu: float

    @property
    def busy(self) -> float:
        """Processors in use, on average."""
        return self.cpu / self.seconds


def with_workers(text: str, count: int) -> str:
    """A lab's inventory with that many workers in the place of its own: w1, w2 and so on.

    Args:
        text: the inventory, as YAML.
    """
    document = yaml.safe_load(text)
    subnet = IPv4Network(document["lab"]["subnet"])
    document["groups"]["workers"]["hosts"] = {
        f"w{n + 1}": {"address": str(subnet[_FIRST_ADDRESS + n])} for n in range(count)
    }
    return yaml.safe_dump(document, sort_keys=False)


def up(cluster: Cluster, *, workers: tuple[str, ...] = (), last: str | None = None) -> float:
    """Run phases; how long the last one took, in seconds.

    Args:
        workers: only the phase in which these join.
        last: else the phase to stop after.

    Raises:
        SystemExit: it failed; why is printed.
    """
    reporter = Terminal(Console(file=sys.stderr))
    phases = pick(PHASES, only=["workers"]) if workers else pick(PHASES, last=last)
    with running(cluster, reporter, limit=workers) as run:
        if code := execute(run, phases):
            raise SystemExit(code)
    return reporter.tally.phases[-1][1]


def busy() -> float:
    """Seconds that the machine's processors have been busy since it started, all together."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, words)
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def measured(cluster: Cluster, workers: tuple[str, ...]) -> Measured:
    """These workers join."""
    before = busy()
    seconds = up(cluster, workers=workers)
    return Measured(len(workers), seconds, busy() - before)


def table(one: Measured, many: Measured) -> str:
    """Both, and their ratios."""
    lines = [
        f"{m.workers:3} workers {m.seconds:7.1f} s  {m.cpu:6.1f} s of processor, {m.busy:.1f} busy"
        for m in (one, many)
    ]
    lines.append(
        f"{many.workers} workers take {many.seconds / one.seconds:.1f} times as long as one, and "
        f"{many.cpu / one.cpu:.1f} times the processor, of which there are {os.cpu_count()}"
    )
    return "\n".join(lines)


def main() -> int:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-i", "--inventory", type=Path, default=Path("inventories/lab.yaml"))
    parser.add_argument("--workers", type=int, default=10, metavar="N", help="join at once")
    add_options(parser)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        inventory = Path(folder) / "lab.yaml"
        inventory.write_text(with_workers(given.inventory.read_text(), given.workers + 1))
        hosts = plan(load(inventory, files_must_exist=False))
        lab.down(hosts, lambda _: None)
        try:
            lab.up(hosts, lambda _: None)
            cluster = load(inventory)
            up(cluster, last="control-plane")
            first, *others = (host.name for host in cluster.workers)
            one, many = measured(cluster, (first,)), measured(cluster, tuple(others))
        finally:
            lab.down(hosts, lambda _: None)
    print(table(one, many))
    if given.json:
        rows = [
            Row(tool=OURS, run="join", hosts=m.workers, seconds=round(m.seconds, 1), cpu=m.cpu)
            for m in (one, many)
        ]
        save(given.json, collect("joins", rows, OURS, note=given.note))
    return 0


if __name__ == "__main__":
    sys.exit(main())
