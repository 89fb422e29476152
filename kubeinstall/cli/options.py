"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

inventory = click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path),
    default=Path("kubeinstall.yaml"),
    show_default=True,
    help="The inventory file.",
)
