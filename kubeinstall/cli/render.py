"""``kubeinstall render``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall import families
from kubeinstall.cli import options
from kubeinstall.cli.loading import loaded
from kubeinstall.deploys.rendered import rendered
from kubeinstall.facts.identity import SystemState
from kubeinstall.families import SYSTEMS
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.findings import KubeinstallError, unwritable
from kubeinstall.report import door


@click.command("render")
@options.inventory
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write to; it gets a subfolder for each host.",
)
@click.option(
    "--containerd",
    type=click.IntRange(1, 2),
    help="Major version of containerd; default: the one for the Kubernetes release.",
)
@click.option(
    "--os",
    "system",
    type=click.Choice(list(SYSTEMS)),
    default="debian",
    show_default=True,
    help="Operating system of the hosts.",
)
def command(inventory: Path, output: Path, containerd: int | None, system: str) -> None:
    """Write the files for each host, without connecting to it.

    OUTPUT/HOST/etc/... contains what `up` installs in /etc/... on a new HOST. Secrets that are
    generated during a run are not included.
    """
    cluster, warnings = loaded(inventory, files_must_exist=False)
    door.findings(warnings)
    family = families.of(SystemState(system))
    for host in cluster.hosts:
        files = list(rendered(cluster, host, containerd, family))
        for file in files:
            _write(output / host.name, file)
        door.echo(f"{host.name}: {len(files)} files in {output / host.name}")


def _write(folder: Path, file: RenderedFile) -> None:
    """Write one file below the folder.

    Raises:
        KubeinstallError: it cannot be written.
    """
    path = folder / file.path.lstrip("/")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(file.content, encoding="utf-8")
        path.chmod(int(file.mode, 8))
    except OSError as error:
        raise KubeinstallError(unwritable(str(path), error)) from error
