"""Debian and Ubuntu: apt."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pyinfra.context import host

from kubeinstall.facts.package_sources import AptSources, with_slash
from kubeinstall.facts.packages import Packages
from kubeinstall.families.repositories import already_named, place_key
from kubeinstall.files import upgrades as upgrade_files
from kubeinstall.files.family import Chrony, Repository
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import RuntimeName
from kubeinstall.operations import packages
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.packages import Wanted
from kubeinstall.releases.package_sources import PackageFormat
from kubeinstall.templates import render

_PROOF = "LC_ALL=C apt-get indextargets >/dev/null"
"""It reads all sources, and nothing else."""


class Debian:
    """Debian and Ubuntu."""

    name = "debian"
    systems: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04", "26.04")}
    )
    package_format = PackageFormat.DEB
    chrony = Chrony("/etc/chrony/chrony.conf", "chrony.service")
    tools: tuple[str, ...] = ("conntrack", "ebtables", "ethtool", "iptables", "socat")
    upgrade_files: tuple[RenderedFile, ...] = (
        upgrade_files.UNATTENDED_UPGRADES,
        upgrade_files.NEEDRESTART,
    )
    # podman-docker has a file of docker-ce-cli's.
    rivals: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {
            "docker-ce": ("docker.io", "containerd", "podman-docker"),
            "docker.io": ("docker-ce", "docker-ce-cli", "containerd.io", "podman-docker"),
            "containerd.io": ("docker.io", "containerd"),
            "containerd": ("docker-ce", "docker-ce-cli", "containerd.io"),
        }
    )
    selinux_package = ""
    together = True

    def runtime_package(self, runtime: RuntimeName) -> str:
        return "docker.io" if runtime is RuntimeName.DOCKER else "containerd"

    def present(self, names: tuple[str, ...]) -> tuple[str, ...]:
        found = host.get_fact(Packages, names=names)
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
        del repository  # An apt source excludes nothing.
        packages.installed(wanted=wanted, held=held, instead_of=instead_of, along=along, name=name)

    def removed(self, names: tuple[str, ...], *, name: str) -> None:
        packages.removed(names=names, name=name)

    def repository(self, repository: Repository, wanted: Wanted) -> None:
        title = repository.title
        if repository.url.startswith("https://"):
            self.installed((("ca-certificates", ""),), name="Install certificate authorities")
        *keyrings, source = self.repository_files(repository)
        _alone(repository, source.path, [keyring.path for keyring in keyrings])
        for keyring in keyrings:
            place_key(keyring, repository, wanted, Packages)
        name = f"Configure the package source of {title}"
        # The source's URL may hold a login.
        managed_file(
            path=source.path,
            content=source.content,
            holds=Holds.SECRETS,
            proof=_PROOF,
            name=name,
        )

    def repository_files(self, repository: Repository) -> Iterable[RenderedFile]:
        keyring = f"/etc/apt/keyrings/{repository.name}-apt-keyring.asc"
        if repository.signed:
            yield RenderedFile(keyring, repository.key or f"the key from {repository.key_url}\n")
        line = render("packages/apt.list.j2", keyring=keyring, repository=repository)
        yield RenderedFile(f"/etc/apt/sources.list.d/{repository.name}.list", line)


def _alone(repository: Repository, path: str, keyrings: list[str]) -> None:
    """No other file names the source under another key: apt would read no source at all.

    Raises:
        KubeinstallError: one does.
    """
    ours = (with_slash(repository.url), repository.suite or "/")
    for other in host.get_fact(AptSources):
        deb822 = other.path.endswith(".sources")
        if other.path != path and (other.url, other.suite) == ours:
            if other.signed_by == " ".join(keyrings):
                continue
            why = "apt rejects package sources with the same address and different keys"
            edit = f"{other.line}i Enabled: no" if deb822 else f"{other.line}s/^/# /"
            then = f"sed -i {shlex.quote(edit)} {shlex.quote(other.path)}"
            raise KubeinstallError(
                already_named(
                    repository.title, other, f"{why} (it has {other.signed_by or 'none'})", then
                )
            )


DEBIAN = Debian()
