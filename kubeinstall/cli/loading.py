"""The inventory of a command. A file of its own: what only reads one starts without pyinfra."""

from __future__ import annotations

from pathlib import Path

from kubeinstall.engine import exits
from kubeinstall.findings import Finding
from kubeinstall.inventory.known_secrets import known_secrets
from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.inventory.model import Cluster


def loaded(
    inventory: Path, *, files_must_exist: bool = True
) -> tuple[Cluster, tuple[Finding, ...]]:
    """The inventory's cluster with the warnings about it; its secrets leave nowhere from now on."""
    cluster, warnings = load_with_warnings(inventory, files_must_exist=files_must_exist)
    exits.hide(known_secrets(cluster))
    return cluster, warnings
