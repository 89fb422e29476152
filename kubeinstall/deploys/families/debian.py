"""Debian and Ubuntu: apt."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kubeinstall.deploys import package_files
from kubeinstall.deploys.families.family import Chrony
from kubeinstall.inventory.model import Cluster, RuntimeName
from kubeinstall.operations import packages
from kubeinstall.operations.apt_key import apt_key_fetched
from kubeinstall.operations.files import managed_file
from kubeinstall.operations.packages import Wanted


class Debian:
    """Debian and Ubuntu."""

    name = "debian"
    systems: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04", "26.04")}
    )
    chrony = Chrony("/etc/chrony/chrony.conf", "chrony.service")
    tools: tuple[str, ...] = ("conntrack", "ebtables", "ethtool", "iptables", "socat")

    def runtime_package(self, runtime: RuntimeName) -> str:
        return "docker.io" if runtime is RuntimeName.DOCKER else "containerd"

    def installed(self, wanted: Wanted, *, name: str, held: bool = False) -> None:
        packages.installed(wanted=wanted, held=held, name=name)

    def kubernetes_source(self, cluster: Cluster, wanted: Wanted) -> None:
        if package_files.source_url(cluster).startswith("https://"):
            self.installed((("ca-certificates", ""),), name="Install certificate authorities")
        key = package_files.given_key(cluster)
        keyring = package_files.KEYRING
        if key is None:
            url = package_files.key_url(cluster)
            apt_key_fetched(path=keyring, url=url, wanted=wanted, name="Fetch the signing key")
        else:
            managed_file(path=keyring, content=key, name="Place the signing key")
        source = package_files.source_list(cluster)
        managed_file(path=package_files.SOURCE_FILE, content=source, name="Name the package source")


DEBIAN = Debian()
