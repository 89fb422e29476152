"""Files that an inventory names with their checksum."""

from __future__ import annotations

from kubeinstall.inventory.model import VerifiedFile
from kubeinstall.operations.downloads import Download


def download(given: VerifiedFile) -> Download:
    """The file as operations take it."""
    return Download(given.sha256, given.url or "", str(given.file or ""))
