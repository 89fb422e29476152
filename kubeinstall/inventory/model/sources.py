"""Where Kubernetes' packages come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from kubeinstall.inventory.formats import FINGERPRINT, PACKAGE_VERSION, SHA256
from kubeinstall.inventory.model.base import Strict, Url


class Archive(Strict):
    """Packages in one file, for hosts that cannot reach a package source."""

    file: Path | None = Field(
        None, description="tar archive of .deb or .rpm files on this machine, copied to the hosts."
    )
    url: Url | None = Field(None, description="Or a URL that the hosts download it from.")
    sha256: str = Field(
        pattern=SHA256, description="SHA-256 of the file; it is not verified in any other way."
    )


class Packages(Strict):
    """Where kubelet, kubeadm and kubectl come from."""

    url: Url | None = Field(
        None,
        description=(
            "Base URL in the layout of pkgs.k8s.io (URL/core:/stable:/vX.Y/deb/); "
            "default: that of cluster.source."
        ),
    )
    key: Path | None = Field(None, description="Signing key file; default: the source's key.")
    key_fingerprints: list[Annotated[str, StringConstraints(pattern=FINGERPRINT)]] = Field(
        default_factory=list,
        description=(
            "Trust only these signing keys of the source; default: the key that was fetched first."
        ),
    )
    archive: Archive | None = Field(
        None, description="One file with the packages, instead of a source."
    )
    revision: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Debian revision, e.g. 1.1; default: the newest."
    )
