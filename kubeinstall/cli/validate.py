"""``kubeinstall validate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from kubeinstall.cli import options
from kubeinstall.cli.loading import loaded
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.report import door


@click.command("validate")
@options.inventory
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(inventory: Path, as_json: bool) -> int:
    """Check an inventory and report all errors in it.

    Does not connect to hosts. Missing key files are only warnings, as they may be on another
    machine. Exits with 10 if there are errors.
    """
    cluster: Cluster | None = None
    try:
        cluster, findings = loaded(inventory, files_must_exist=False)
    except KubeinstallError as error:
        findings = error.findings
    if as_json:
        door.document(door.as_json(_record(inventory, cluster, findings)))
    else:
        door.findings(findings)
        door.echo(_verdict(inventory, cluster, findings), err=cluster is None)
    return 0 if cluster else int(Kind.INVENTORY)


def _verdict(inventory: Path, cluster: Cluster | None, findings: Sequence[Finding]) -> str:
    """The last line."""
    warnings = sum(finding.severity == "warning" for finding in findings)
    tail = f" ({_count(warnings, 'warning')})" if warnings else ""
    if cluster is None:
        return f"{inventory}: {_count(len(findings) - warnings, 'error')}{tail}"
    parts = [
        f"cluster {cluster.spec.name}",
        f"Kubernetes {cluster.version}",
        _count(len(cluster.control_planes), "control plane"),
        _count(len(cluster.workers), "worker"),
    ]
    return f"{inventory}: ok: {', '.join(parts)}{tail}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _record(
    inventory: Path, cluster: Cluster | None, findings: Sequence[Finding]
) -> dict[str, object]:
    """The result for programs."""
    record: dict[str, object] = {
        "file": str(inventory),
        "ok": cluster is not None,
        "findings": [finding.as_dict() for finding in findings],
    }
    if cluster:
        record["cluster"] = {
            "name": cluster.spec.name,
            "kubernetes": str(cluster.version),
            "control_planes": [host.name for host in cluster.control_planes],
            "workers": [host.name for host in cluster.workers],
        }
    return record
