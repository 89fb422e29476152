"""Where Kubernetes' packages come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from kubeinstall.inventory.forms import FINGERPRINT, PACKAGE_VERSION, URL
from kubeinstall.inventory.model.base import Strict


class Packages(Strict):
    """Where kubelet, kubeadm and kubectl come from."""

    url: str | None = Field(
        None,
        pattern=URL,
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
    revision: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Debian revision, e.g. 1.1; default: newest."
    )
