"""Options shared by several commands."""

from __future__ import annotations

from pathlib import Path

import click

from kubeinstall.report import door


def _plain(_context: click.Context, _parameter: click.Parameter, value: bool) -> bool:
    door.without_colours(value)
    return value


plain = click.option(
    "--plain",
    "--no-color",
    "plain",
    is_flag=True,
    callback=_plain,
    help="Disable colors and live progress.",
)
inventory = click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path),
    default=Path("kubeinstall.yaml"),
    show_default=True,
    help="The inventory file.",
)
