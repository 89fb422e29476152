"""Load an inventory: the one way from a file to a Cluster, with all that is wrong told at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.catalogue.checks import check_addons
from kubeinstall.inventory.checks import check
from kubeinstall.inventory.files import check_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.partial import doubts, validate
from kubeinstall.inventory.positions import Issue, Parsed, UnreadableError, placed
from kubeinstall.inventory.resolve import resolve
from kubeinstall.inventory.secrets import Expander
from kubeinstall.inventory.yaml_file import parse, read


def load(
    path: Path, environ: Mapping[str, str] = os.environ, *, files_must_exist: bool = True
) -> Cluster:
    """Read, check and resolve an inventory; warnings are dropped.

    Args:
        path: the YAML file.
        environ: where ``${NAME}`` is looked up.
        files_must_exist: whether a missing ssh key, known_hosts or signing key is an error.

    Raises:
        KubeinstallError: with every finding, of kind INVENTORY.
    """
    return load_with_warnings(path, environ, files_must_exist=files_must_exist)[0]


def load_with_warnings(
    path: Path, environ: Mapping[str, str] = os.environ, *, files_must_exist: bool = True
) -> tuple[Cluster, tuple[Finding, ...]]:
    """As ``load``, with the warnings in the file's order.

    Raises:
        KubeinstallError: with every finding, errors first, then warnings.
    """
    try:
        parsed = parse(read(path))
    except UnreadableError as error:
        place = placed(path, error.position)
        raise KubeinstallError(
            Finding(Kind.INVENTORY, error.what, why=error.why, next=error.next, place=place)
        ) from None
    expander = Expander(environ, path.absolute().parent, files_must_exist=files_must_exist)
    value = expander.expand(parsed.value)
    inventory, issues = validate(value, parsed, [*parsed.issues, *expander.issues])
    cluster: Cluster | None = None
    if inventory:
        issues.extend(check(inventory, known := doubts(issues)))
        issues.extend(check_addons(inventory, path, known))
        cluster = resolve(inventory, path)
        issues.extend(check_files(inventory, cluster, files_must_exist))
    findings = _findings(path, parsed, issues)
    if cluster is None or any(finding.severity == "error" for finding in findings):
        raise KubeinstallError(*findings)
    return cluster, findings


def _findings(path: Path, parsed: Parsed, issues: Iterable[Issue]) -> tuple[Finding, ...]:
    """Findings with positions: errors first, each in the file's order."""
    found = [(parsed.position(issue), issue) for issue in issues]
    found.sort(key=lambda p: (p[1].severity == "warning", p[0].line, p[0].column))
    return tuple(
        Finding(
            Kind.INVENTORY,
            issue.what,
            why=issue.why,
            next=issue.next,
            severity=issue.severity,
            place=placed(path, position),
        )
        for position, issue in found
    )
