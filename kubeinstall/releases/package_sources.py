"""Where packages and images can come from: what each known source has, and in which layout.

Sources: the installation page of kubeadm and pkgs.k8s.io for the official one; the help pages of
mirrors.aliyun.com, mirrors.tuna.tsinghua.edu.cn and mirrors.ustc.edu.cn for the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from kubeinstall.releases import Version

OFFICIAL_LAYOUT = "/core:/stable:/v{minor}/{format}/"
"""Below a base URL; pkgs.k8s.io has it, and so have mirrors that copy it as it is."""

SINCE = (1, 24)
"""The first minor whose packages pkgs.k8s.io has, and so everyone that copies it."""

_ALIYUN_IMAGES = "registry.aliyuncs.com/google_containers"


class PackageFormat(StrEnum):
    DEB = "deb"
    RPM = "rpm"


class SourceName(StrEnum):
    OFFICIAL = "official"
    ALIYUN = "aliyun"
    TUNA = "tuna"
    USTC = "ustc"


@dataclass(frozen=True)
class Origin:
    """Where a cluster's packages and images come from.

    Args:
        base: URL of the Kubernetes package repositories.
        layout: below that, with ``{minor}`` (1.36) and ``{format}`` (deb, rpm).
        docker: URL of docker-ce's repositories, one folder a system: debian, rhel, ...
        image_repository: of kubeadm's images; None: kubeadm's own.
    """

    base: str
    layout: str
    docker: str
    image_repository: str | None = None

    def packages(self, version: Version, package_format: PackageFormat) -> str:
        """URL of the repository of the version's minor, with a slash at its end."""
        return self.base + self.layout.format(minor=version.minor_name, format=package_format.value)

    def docker_packages(self, system: str) -> str:
        """URL of docker-ce's repository for a system (debian, ubuntu, rhel, fedora, centos).

        Its signing key is the file ``gpg`` in it.
        """
        return f"{self.docker}/{system}"


SOURCES: Mapping[SourceName, Origin] = MappingProxyType(
    {
        SourceName.OFFICIAL: Origin(
            "https://pkgs.k8s.io", OFFICIAL_LAYOUT, "https://download.docker.com/linux"
        ),
        SourceName.ALIYUN: Origin(
            "https://mirrors.aliyun.com/kubernetes-new",
            "/core/stable/v{minor}/{format}/",
            "https://mirrors.aliyun.com/docker-ce/linux",
            _ALIYUN_IMAGES,
        ),
        # The two universities copy packages, but no images: Aliyun's are what goes with them.
        SourceName.TUNA: Origin(
            "https://mirrors.tuna.tsinghua.edu.cn/kubernetes",
            OFFICIAL_LAYOUT,
            "https://mirrors.tuna.tsinghua.edu.cn/docker-ce/linux",
            _ALIYUN_IMAGES,
        ),
        SourceName.USTC: Origin(
            "https://mirrors.ustc.edu.cn/kubernetes",
            OFFICIAL_LAYOUT,
            "https://mirrors.ustc.edu.cn/docker-ce/linux",
            _ALIYUN_IMAGES,
        ),
    }
)


def key_file(package_format: PackageFormat) -> str:
    """Where a repository of Kubernetes' packages has its signing key, from its own URL on."""
    return "Release.key" if package_format is PackageFormat.DEB else "repodata/repomd.xml.key"
