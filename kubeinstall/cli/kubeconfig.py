"""``kubeinstall kubeconfig``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import ask_sudo_pass_option, read
from kubeinstall.cluster import kubeconfig
from kubeinstall.engine.session import Session
from kubeinstall.report import door


@click.command("kubeconfig")
@options.inventory
@ask_sudo_pass_option
@click.option(
    "--merge",
    is_flag=True,
    help="Merge it into the first file in $KUBECONFIG, or else into ~/.kube/config.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to this file, replacing the file.",
)
def command(inventory: Path, ask_sudo_pass: bool, merge: bool, output: Path | None) -> None:
    """Fetch the cluster's kubeconfig.

    This is the administrator's kubeconfig from a control plane. Context and cluster get the
    cluster's name in the inventory. The kubeconfig is printed, unless you use --merge or -o.
    """
    if merge and output:
        raise click.UsageError("--merge and -o exclude each other")
    target = kubeconfig.default_path(os.environ) if merge else output
    cluster, _ = read(inventory, ask_sudo_pass)
    with Session(cluster) as session:
        document = kubeconfig.fetch(session, cluster)
    if target is None:
        door.document(kubeconfig.dump(document))
        return
    name = cluster.spec.name
    if merge:
        kubeconfig.merge(target, document)
        door.echo(f"{target}: its current context is now {name}; try: kubectl get nodes")
    else:
        kubeconfig.save(target, document)
        door.echo(f"{target}: written; try: kubectl --kubeconfig {target} get nodes")
