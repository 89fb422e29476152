"""``kubeinstall status``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import reaching, read, running
from kubeinstall.cluster.nodes import Nodes, Standing
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.report import door
from kubeinstall.report.reporter import Silent
from kubeinstall.verify.status import addons, as_json, as_text, status


@click.command("status")
@options.inventory
@reaching
@click.option("--json", "as_json_", is_flag=True, help="Print the result as JSON.")
def command(inventory: Path, limit: tuple[str, ...], ask_sudo_pass: bool, as_json_: bool) -> int:
    """Show the cluster's nodes and addons.

    Exits with 11 if a host is unreachable, and with 14 if a node is missing or not Ready, or if the
    cluster does not answer.
    """
    cluster, _ = read(inventory, ask_sudo_pass)
    with running(cluster, Silent(), limit=limit) as run:
        run.session.connect(host.name for host in cluster.hosts)
        try:
            found = run.asked()
        except KubeinstallError as error:
            found = Nodes.unknown(
                error.findings[0].why or error.findings[0].what, error.findings[0].where
            )
        answered = found.standing is not Standing.UNKNOWN
        nodes = status(run.session, cluster, found.items if answered else None)
        there, addons_unasked = addons(run.session, found.host) if answered else ([], found.reason)
        unreachable = list(run.session.failures.values())
    if run.limit is not None:
        wanted = {cluster.host(name).hostname for name in run.limit}
        nodes = [node for node in nodes if node.name in wanted]
    why = (found.reason, addons_unasked)
    text = as_json(cluster, nodes, there, *why) if as_json_ else as_text(nodes, there, *why)
    door.document(text)
    if unreachable:
        return int(unreachable[0].kind)
    return 0 if all(node.ready == "yes" for node in nodes) else int(Kind.CLUSTER)
