"""``kubeinstall verify``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.running import reaching, read, running
from kubeinstall.findings import Kind, KubeinstallError, unwritable
from kubeinstall.phases.connect import adopt_addresses
from kubeinstall.phases.verify import check
from kubeinstall.report import door
from kubeinstall.report.reporter import Silent
from kubeinstall.verify.formats import FORMATS


@click.command("verify")
@options.inventory
@reaching
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result to this file.",
)
def command(
    inventory: Path, limit: tuple[str, ...], ask_sudo_pass: bool, form: str, output: Path | None
) -> int:
    """Check every host and the cluster, without changing anything.

    Exits with 15 if a check fails, and with 11 if a host is unreachable.
    """
    cluster, _ = read(inventory, ask_sudo_pass)
    with running(cluster, Silent(), limit=limit) as run:
        run.session.connect([host.name for host in cluster.hosts if run.selected(host.name)])
        adopt_addresses(run)
        results, warnings = check(run)
        unreachable = list(run.session.failures.values())
        warnings = [*run.session.warnings, *warnings]
    text = FORMATS[form](results)
    if output:
        _write(output, text)
    else:
        door.document(text)
    door.findings([*warnings, *unreachable])
    if any(result.failed for result in results):
        return int(Kind.VERIFY)
    return int(unreachable[0].kind) if unreachable else 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KubeinstallError(unwritable(str(path), error)) from None
