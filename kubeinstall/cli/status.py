"""``kubeinstall status``."""

from __future__ import annotations

import io
from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import reaching, read, running
from kubeinstall.findings import Kind
from kubeinstall.report.terminal import Terminal, console
from kubeinstall.verify.status import addons, as_json, as_text, status


@click.command("status")
@options.inventory
@reaching
@click.option("--json", "as_json_", is_flag=True, help="Print it as JSON.")
def command(inventory: Path, limit: tuple[str, ...], ask_sudo_pass: bool, as_json_: bool) -> int:
    """Show the cluster's nodes, what runs on them, and its addons.

    Exits with 11 if a host cannot be reached, with 14 if a node is missing or not Ready.
    """
    cluster, _ = read(inventory, ask_sudo_pass)
    with running(cluster, Terminal(console(file=io.StringIO())), limit=limit) as run:
        run.session.connect(host.name for host in cluster.hosts)
        nodes = status(run.session, cluster)
        there = addons(run.session, cluster)
        unreachable = list(run.session.failures.values())
    if run.limit is not None:
        wanted = {cluster.host(name).hostname for name in run.limit}
        nodes = [node for node in nodes if node.name in wanted]
    click.echo(as_json(cluster, nodes, there) if as_json_ else as_text(nodes, there), nl=False)
    if unreachable:
        return int(unreachable[0].kind)
    return 0 if all(node.ready == "yes" for node in nodes) else int(Kind.CLUSTER)
