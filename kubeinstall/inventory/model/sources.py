"""Where Kubernetes' packages come from."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from kubeinstall.inventory.forms import PACKAGE_VERSION, URL
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
    revision: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Debian revision, e.g. 1.1; default: newest."
    )
