"""Packages of Docker's own repository: docker-ce, and containerd.io for either runtime."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kubeinstall.facts.identity import SystemState
from kubeinstall.files.family import Repository
from kubeinstall.files.packages import armored_key
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.packages import Wanted
from kubeinstall.releases.package_sources import PackageFormat

DOCKER_CE = "docker-ce"
CONTAINERD_IO = "containerd.io"

_FOLDERS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("debian", "ubuntu", "fedora", "centos", "rhel")},
        **dict.fromkeys(("rocky", "almalinux"), "centos"),
    }
)
"""Where the repository has what a system, by its os-release ID, can use."""

# docs.docker.com, "Install Docker Engine on Debian" and "... on CentOS".
_FINGERPRINTS: Mapping[PackageFormat, str] = MappingProxyType(
    {
        PackageFormat.DEB: "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
        PackageFormat.RPM: "060A61C51B558A7F742B77AAC52FEB6B621E9F35",
    }
)


def wanted(package: str, version: str | None) -> Wanted:
    """What is installed for a runtime's package; docker-ce is three, two in one version."""
    exact = version or ""
    if package == DOCKER_CE:
        return (package, exact), ("docker-ce-cli", exact), (CONTAINERD_IO, "")
    return ((package, exact),)


def repository(
    cluster: Cluster, package: str, package_format: PackageFormat, system: SystemState
) -> Repository | None:
    """Docker's repository for a system; None: the package comes from the distribution.

    Raises:
        KubeinstallError: Docker has none for the system, or the signing key is of no use.
    """
    if package not in (DOCKER_CE, CONTAINERD_IO):
        return None
    folder = _FOLDERS.get(system.id)
    if folder is None:
        raise KubeinstallError(
            Finding(
                Kind.PREFLIGHT,
                f"Docker has no packages for {system.id or 'this system'}",
                why=f"cluster.runtime.package is {package}",
                next="remove cluster.runtime.package to use the distribution's package",
            )
        )
    own = cluster.spec.runtime.repository
    base = f"{own.url}/{folder}" if own.url else cluster.origin.docker_packages(folder)
    key = armored_key(own.key, "cluster.runtime.repository.key") if own.key else None
    deb = package_format is PackageFormat.DEB
    return Repository(
        name="docker",
        title="Docker",
        url=f"{base}/" if deb else f"{base}/$releasever/$basearch/stable/",
        suite=system.codename if deb else "",
        components=("stable",) if deb else (),
        key=key,
        key_url="" if key else f"{base}/gpg",
        key_fingerprints=() if own.url else (_FINGERPRINTS[package_format],),
        signed_metadata=deb,
    )
