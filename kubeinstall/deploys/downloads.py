"""What a host needs to fetch files."""

from __future__ import annotations

from kubeinstall import families
from kubeinstall.operations.downloads import Download


def prepare(*downloads: Download | None) -> None:
    """What these files are downloaded with, where any of them is."""
    if any(download and download.url for download in downloads):
        needed = (("ca-certificates", ""), ("curl", ""))
        families.current().installed(needed, name="Install what downloads files")
