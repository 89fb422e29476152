"""Where Kubernetes' packages come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from kubeinstall.inventory.formats import FINGERPRINT, PACKAGE_VERSION, SHA256
from kubeinstall.inventory.model.base import Strict, Url


class Archive(Strict):
    """Packages in one file, for hosts that no package source is in reach of."""

    file: Path | None = Field(
        None, description="A tar of .deb or .rpm files on this machine; it is copied to the hosts."
    )
    url: Url | None = Field(None, description="Or where the hosts fetch it from.")
    sha256: str = Field(pattern=SHA256, description="Its checksum; nothing else vouches for it.")


class Packages(Strict):
    """Where kubelet, kubeadm and kubectl come from."""

    url: Url | None = Field(
        None,
        description=(
            "Base URL in the layout of pkgs.k8s.io (URL/core:/stable:/vX.Y/deb/); "
            "default: that of cluster.source."
        ),
    )
    key: Path | None = Field(None, description="Signing key file; default: the source's own.")
    key_fingerprints: list[Annotated[str, StringConstraints(pattern=FINGERPRINT)]] = Field(
        default_factory=list,
        description=(
            "Trust these signing keys of the source and no others; default: the one it had when "
            "it was first fetched."
        ),
    )
    archive: Archive | None = Field(
        None, description="Instead of a source: one file with the packages."
    )
    revision: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Debian revision, e.g. 1.1; default: newest."
    )
