"""cri-dockerd, which speaks for Docker from Kubernetes 1.24 on: releases with known checksums.

The checksums of its release archives are those that kubespray publishes
(roles/kubespray_defaults/vars/main/checksums.yml, August 2026); the project itself publishes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT = "0.3.26"

CHECKSUMS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "0.3.26": MappingProxyType(
            {
                "amd64": "87f31c964d974cdce9c883c79b69e355c3c323e51d3a7d36cda140e6df7b8d5a",
                "arm64": "d33e46e0d7ce28b22fdf7fa6327961cf0220ec3814fd7cc482f8cb77e7fd986a",
            }
        ),
        "0.3.25": MappingProxyType(
            {
                "amd64": "adb9b9785dc10fe49107f5d9e6a62c4271d268a214b9813f5dce251afc9d78ff",
                "arm64": "7eda6e815ed80ddf28095587038a8c48cb9af2060f7b45f9d8e68603c42caa67",
            }
        ),
        "0.3.24": MappingProxyType(
            {
                "amd64": "dd4b7f514c248a3aaca398f467430a4c58aae9a77ea8b96a2f5b5d6fba0948d1",
                "arm64": "c783a03735887c4a8fc894bd4cf7a1c0defef3ecf50a4d79ff31eed45c26b17e",
            }
        ),
    }
)
"""SHA-256 in hex, by version and Go's name of the architecture."""


def archive_url(version: str, architecture: str) -> str:
    """Where the project has the archive of a release.

    Args:
        architecture: as Go calls it: amd64 or arm64.
    """
    base = "https://github.com/Mirantis/cri-dockerd/releases/download"
    return f"{base}/v{version}/cri-dockerd-{version}.{architecture}.tgz"
