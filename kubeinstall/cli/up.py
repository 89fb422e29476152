"""``kubeinstall up``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import (
    choosing,
    interactive,
    printing,
    reaching,
    read,
    running,
    terminal,
)
from kubeinstall.inventory.model import Cluster
from kubeinstall.report import door
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from kubeinstall.run.selection import hosts as selected
from kubeinstall.run.selection import pick

_SHOWN = 12
"""Hosts that are listed before they are changed; a terminal has 24 lines."""


@click.command("up", epilog=f"Phases, in order: {', '.join(phase.name for phase in PHASES)}.")
@options.inventory
@reaching
@printing
@choosing
@click.option(
    "--smoke/--no-smoke",
    "smoke",
    default=None,
    help="Run a test app in the cluster; default: if anything was changed.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
def command(
    inventory: Path,
    limit: tuple[str, ...],
    ask_sudo_pass: bool,
    events: Path | None,
    plain: bool,
    verbose: bool,
    first: str | None,
    last: str | None,
    only: tuple[str, ...],
    abandoned: tuple[str, ...],
    smoke: bool | None,
    yes: bool,
) -> int:
    """Create the cluster, or apply changes of the inventory to it.

    Running it again changes nothing.
    """
    phases = pick(PHASES, first=first, last=last, only=only)
    cluster, warnings = read(inventory, ask_sudo_pass)
    if not yes and interactive():
        _confirm(cluster, limit)
    reporter = terminal(cluster, limit, plain=plain, verbose=verbose)
    for warning in warnings:
        reporter.finding(warning)
    if any("smoke" in part for part in only):
        smoke = True
    with running(
        cluster, reporter, limit=limit, events=events, smoke=smoke, abandoned=abandoned
    ) as run:
        code = execute(run, phases)
    if code == 0 and phases == PHASES:
        door.echo(f"next: kubeinstall kubeconfig -i {inventory} --merge; kubectl get nodes")
    return code


def _confirm(cluster: Cluster, limit: tuple[str, ...]) -> None:
    """List the selected hosts, and ask for confirmation."""
    door.echo(f"cluster {cluster.spec.name}, Kubernetes {cluster.version}")
    hosts = selected(cluster, limit)
    for host in hosts[:_SHOWN]:
        role = host.role.value.replace("_", " ")
        door.echo(f"  {host.name}  {host.ssh.user}@{host.address}  {role}")
    if len(hosts) > _SHOWN:
        door.echo(f"  and {len(hosts) - _SHOWN} more hosts")
    door.confirmed("Set up these hosts?")
