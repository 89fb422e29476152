"""``kubeinstall init``."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.findings import Finding, Kind, KubeinstallError, Place, unwritable
from kubeinstall.inventory.starter import parse_target, starter
from kubeinstall.report import door


@click.command("init")
@click.argument("targets", metavar="[USER@HOST[:PORT]]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("kubeinstall.yaml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
def command(targets: tuple[str, ...], output: Path, force: bool) -> None:
    """Write a starter inventory with the given hosts.

    The first host becomes the control plane, the others become workers. USER defaults to root.
    """
    text = starter([parse_target(target) for target in targets])
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise KubeinstallError(
            Finding(
                Kind.LOCAL,
                "the file already exists",
                next="--force overwrites it",
                place=Place(str(output)),
            )
        ) from None
    except OSError as error:
        raise KubeinstallError(unwritable(str(output), error)) from None
    door.echo(f"wrote {output}")
    option = "" if output == Path("kubeinstall.yaml") else f" -i {output}"
    first = "check it, " if targets else "replace the addresses with your own, "
    door.echo(f"next: {first}then kubeinstall validate{option} && kubeinstall up{option}")
