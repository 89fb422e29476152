"""``kubeinstall plan``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import choosing, reaching, read, running, terminal
from kubeinstall.report import door
from kubeinstall.report.plan import Plan
from kubeinstall.report.reporter import Reporter, Silent
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from kubeinstall.run.selection import pick

CHANGES = 2


@click.command("plan")
@options.inventory
@reaching
@choosing
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@options.plain
def command(
    inventory: Path,
    limit: tuple[str, ...],
    ask_sudo_pass: bool,
    first: str | None,
    last: str | None,
    only: tuple[str, ...],
    abandoned: tuple[str, ...],
    as_json: bool,
    plain: bool,
) -> int:
    """Show what `up` would change, host by host, with file diffs.

    Nothing is changed. If an earlier phase has changes, later ones are marked: they can differ when
    `up` runs. Exits with 0 if there are no changes, 2 if there are, other codes for errors.
    """
    phases = pick(PHASES, first=first, last=last, only=only)
    cluster, warnings = read(inventory, ask_sudo_pass)
    plan = Plan()
    reporter: Reporter = (
        Silent(plan.add) if as_json else terminal(cluster, limit, plain=plain, plan=plan)
    )
    for warning in warnings:
        reporter.finding(warning)
    with running(cluster, reporter, limit=limit, dry=True, abandoned=abandoned) as run:
        code = execute(run, phases)
    if as_json:
        door.findings(run.errors)
        door.document(door.as_json(plan.as_dict(run.out)))
    return code or (CHANGES if plan.events else 0)
