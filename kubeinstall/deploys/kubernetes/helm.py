"""Helm on the control planes, for people and for addons that are charts."""

from __future__ import annotations

from kubeinstall.deploys import downloads
from kubeinstall.files.family import Family
from kubeinstall.files.verified import download
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations.programs import programs_gone, programs_installed

FOLDER = "/usr/local/bin"
RECORD = "/usr/local/lib/helm/installed"


def installed(cluster: Cluster, node: Host, family: Family) -> None:
    """Helm out of its release archive, where the inventory names one; else none of ours."""
    if not node.is_control_plane:
        return
    if cluster.spec.helm is None:
        programs_gone(record=RECORD, name="Remove Helm")
        return
    archive = download(cluster.spec.helm)
    downloads.prepare(family, archive)
    programs_installed(
        download=archive,
        program="helm",
        folder=FOLDER,
        record=RECORD,
        check="version",
        name="Install Helm from its archive",
    )
