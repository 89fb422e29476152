"""``kubeinstall reset``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import interactive, printing, reaching, read, running
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases.reset import PHASES
from kubeinstall.report import door
from kubeinstall.report.terminal import Terminal
from kubeinstall.run.runner import execute


@click.command("reset")
@options.inventory
@reaching
@printing
@click.option("--packages", is_flag=True, help="Remove kubelet, kubeadm and kubectl as well.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
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
    """Take the cluster off its hosts; what ran in it is lost.

    Logins for registries and proxies go as well, and so does the runtime's configuration. Workers
    first, then the control plane. With --limit a worker is drained and removed from the
    cluster that stays. Afterwards `up` works again.
    """
    cluster, _ = read(inventory, ask_sudo_pass)
    if not yes:
        _confirm(cluster, limit)
    reporter = Terminal(door.console(plain=plain), verbose=verbose)
    with running(cluster, reporter, limit=limit, events=events) as run:
        for host in cluster.hosts:
            run.session.set_data(host.name, "reset_packages", packages)
        return execute(run, PHASES)


def _confirm(cluster: Cluster, limit: tuple[str, ...]) -> None:
    """Have the cluster's name typed."""
    if not interactive():
        raise click.UsageError("reset destroys a cluster; where nobody can be asked it needs -y")
    what = f"{', '.join(limit)} of cluster" if limit else "all hosts of cluster"
    name = cluster.spec.name
    typed = door.asked(f"This takes {what} {name} down. Type the cluster's name to go on")
    if typed.strip() != name:
        raise click.Abort
