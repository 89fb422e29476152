"""``kubeinstall schema``."""

from __future__ import annotations

import click

from kubeinstall.inventory.schema import schema_text
from kubeinstall.report import door


@click.command("schema")
def command() -> None:
    """Print the inventory's JSON Schema, for editors.

    Save it next to the inventory, and start the inventory with

        # yaml-language-server: $schema=./kubeinstall.schema.json
    """
    door.document(schema_text())
