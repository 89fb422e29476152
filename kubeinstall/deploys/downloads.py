"""What a host needs to fetch files."""

from __future__ import annotations

from kubeinstall.files.family import Family
from kubeinstall.operations.downloads import Download


def prepare(family: Family, *downloads: Download | None) -> None:
    """What these files are downloaded with, where any of them is."""
    if any(download and download.url for download in downloads):
        needed = (("ca-certificates", ""), ("curl", ""))
        family.installed(needed, name="Install download tools")
