"""``kubeinstall reset``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import interactive, printing, reaching, read, running, terminal
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases.reset import PHASES
from kubeinstall.report import door
from kubeinstall.run.runner import execute


@click.command("reset")
@options.inventory
@reaching
@printing
@click.option("--packages", is_flag=True, help="Remove kubelet, kubeadm and kubectl as well.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
def command(
    inventory: Path,
    limit: tuple[str, ...],
    ask_sudo_pass: bool,
    events: Path | None,
    plain: bool,
    verbose: bool,
    packages: bool,
    yes: bool,
) -> int:
    """Remove the cluster from its hosts; all workloads are lost.

    Registry and proxy logins and the runtime's configuration are removed, too. Workers are reset
    first, then the control plane. With --limit, a worker is drained and removed from the remaining
    cluster. Afterwards `up` works again.
    """
    cluster, _ = read(inventory, ask_sudo_pass)
    if not yes:
        _confirm(cluster, limit)
    reporter = terminal(cluster, limit, plain=plain, verbose=verbose)
    with running(cluster, reporter, limit=limit, events=events) as run:
        run.packages = packages
        return execute(run, PHASES)


def _confirm(cluster: Cluster, limit: tuple[str, ...]) -> None:
    """Ask for the cluster's name."""
    if not interactive():
        raise click.UsageError(
            "reset destroys the cluster; without a terminal to confirm, it needs -y"
        )
    what = f"{', '.join(limit)} of cluster" if limit else "all hosts of cluster"
    name = cluster.spec.name
    typed = door.asked(f"This resets {what} {name}. Type the cluster's name to continue")
    if typed.strip() != name:
        raise click.Abort
