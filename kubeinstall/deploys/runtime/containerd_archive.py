"""containerd from its release archive instead of a package."""

from __future__ import annotations

from kubeinstall.deploys import downloads
from kubeinstall.deploys.runtime_packages import CONTAINERD_IO
from kubeinstall.files import containerd_archive as files
from kubeinstall.files.family import Family
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.downloads import Download
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.programs import programs_gone, programs_installed


def configs(cluster: Cluster) -> tuple[str, ...]:
    """What the service has to be restarted for, beside its configuration."""
    return (files.UNIT_FILE, files.RECORD) if files.archive(cluster) else ()


def install(cluster: Cluster, family: Family, archive: Download) -> None:
    """containerd's programs, its unit, and runc."""
    runc = files.runc(cluster)
    downloads.prepare(family, archive, runc)
    if runc:
        programs_installed(
            download=runc,
            program="runc",
            folder=files.RUNC_FOLDER,
            record=files.RUNC_RECORD,
            packed=False,
            name="Install runc",
        )
    else:
        # Docker's package has a runc of its own, and excludes the distribution's.
        if not family.present((CONTAINERD_IO,)):
            family.installed((("runc", ""),), name="Install runc")
        programs_gone(record=files.RUNC_RECORD, name="Remove runc that was installed from a file")
    programs_installed(
        download=archive,
        program="containerd",
        folder=files.PROGRAMS,
        record=files.RECORD,
        name="Install containerd from its archive",
    )
    managed_file(
        path=files.UNIT_FILE,
        content=files.unit(),
        holds=Holds.PUBLIC,
        name="Write the containerd unit",
    )


def remove() -> None:
    """Leave nothing of an archive that the inventory no longer names."""
    programs_gone(
        record=files.RECORD,
        unit=files.UNIT_FILE,
        name="Remove containerd that was installed from an archive",
    )
    programs_gone(record=files.RUNC_RECORD, name="Remove runc that was installed from a file")
