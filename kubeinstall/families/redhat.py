"""Red Hat Enterprise Linux and what is built like it: dnf."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pyinfra.context import host

from kubeinstall.facts.dnf import RpmInstalled, RpmPackages
from kubeinstall.facts.package_sources import DnfRepositories
from kubeinstall.families.repositories import already_named, place_key
from kubeinstall.files.family import Chrony, Repository
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import RuntimeName
from kubeinstall.operations import dnf
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.packages import Wanted
from kubeinstall.releases.package_sources import PackageFormat
from kubeinstall.templates import render


class RedHat:
    """RHEL, Rocky Linux, AlmaLinux and CentOS Stream."""

    name = "redhat"
    systems: Mapping[str, tuple[str, ...]] = MappingProxyType(
        dict.fromkeys(("rhel", "rocky", "almalinux", "centos"), ("8", "9", "10"))
    )
    package_format = PackageFormat.RPM
    chrony = Chrony("/etc/chrony.conf", "chronyd.service")
    # iptables is what iptables-nft provides from 9 on.
    tools: tuple[str, ...] = ("conntrack-tools", "ethtool", "iproute-tc", "iptables", "socat")
    # dnf-automatic leaves alone what is locked or excluded.
    upgrade_files: tuple[RenderedFile, ...] = ()
    # Source: what conflicts in the specs of Docker's, Fedora's and openEuler's packages.
    rivals: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {
            "docker-ce": ("docker", "docker-engine", "moby-engine", "containerd", "podman-docker"),
            "docker": ("docker-ce", "docker-ce-cli", "containerd.io", "podman-docker"),
            "moby-engine": ("docker-ce", "docker-ce-cli", "containerd.io", "podman-docker"),
            "containerd.io": ("docker", "docker-engine", "moby-engine", "containerd"),
            "containerd": ("docker-ce", "docker-ce-cli", "containerd.io"),
        }
    )
    selinux_package = "container-selinux"
    # dnf lifts a repository's excludes for a whole command only.
    together = False

    def runtime_package(self, runtime: RuntimeName) -> str:
        # They have neither of their own: both come from Docker's repository.
        return "docker-ce" if runtime is RuntimeName.DOCKER else "containerd.io"

    def present(self, names: tuple[str, ...]) -> tuple[str, ...]:
        found = host.get_fact(RpmInstalled, names=names)
        return tuple(name for name in names if name in found)

    def installed(
        self,
        wanted: Wanted,
        *,
        name: str,
        held: bool = False,
        repository: str = "",
        instead_of: tuple[str, ...] = (),
        along: Wanted = (),
    ) -> None:
        del instead_of, along  # dnf finds out by itself what has to go.
        dnf.installed(wanted=wanted, held=held, repository=repository, name=name)

    def removed(self, names: tuple[str, ...], *, name: str) -> None:
        dnf.removed(names=names, name=name)

    def repository(self, repository: Repository, wanted: Wanted) -> None:
        title = repository.title
        if repository.url.startswith("https://"):
            self.installed((("ca-certificates", ""),), name="Install certificate authorities")
        *keys, source = self.repository_files(repository)
        for other in host.get_fact(DnfRepositories):
            if other.path != source.path and other.url == repository.name:
                why = f"dnf uses one repository {repository.name} and ignores the other"
                then = f"mv {shlex.quote(other.path)} {shlex.quote(other.path + '.disabled')}"
                raise KubeinstallError(already_named(title, other, why, then))
        for key in keys:
            place_key(key, repository, wanted, RpmPackages)
            dnf.key_imported(path=key.path, name=f"Import the signing key of {title}")
        name = f"Configure the package source of {title}"
        # The source's URL may hold a login.
        managed_file(path=source.path, content=source.content, holds=Holds.SECRETS, name=name)

    def repository_files(self, repository: Repository) -> Iterable[RenderedFile]:
        key = f"/etc/pki/rpm-gpg/RPM-GPG-KEY-{repository.name}"
        if repository.signed:
            yield RenderedFile(key, repository.key or f"the key from {repository.key_url}\n")
        section = render("packages/dnf.repo.j2", key=key, repository=repository)
        yield RenderedFile(f"/etc/yum.repos.d/{repository.name}.repo", section)


REDHAT = RedHat()
