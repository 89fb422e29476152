"""What a family of operating systems has to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import RuntimeName
from kubeinstall.operations.packages import Wanted
from kubeinstall.releases.package_sources import PackageFormat


@dataclass(frozen=True)
class Chrony:
    """Where chrony has its configuration, and what its service is called."""

    conf: str
    unit: str


@dataclass(frozen=True)
class Repository:
    """A package source, as every family can make it known in its own way.

    Args:
        name: what its files are called after, e.g. ``kubernetes``.
        title: what people call it, e.g. ``Kubernetes``.
        url: where it is, with a slash at its end; it may hold dnf's variables.
        suite: apt's, e.g. ``bookworm``; empty for a flat repository, as all of rpm's are.
        components: apt's, e.g. ``("stable",)``; empty for a flat repository.
        key: the ASCII-armored signing key; None: fetched from ``key_url``.
        key_url: ``https://...`` of the key; empty where ``key`` is given.
        key_fingerprints: of the keys to trust from there; empty: whatever is there at first.
        exclude: packages that come from there only when they are asked for by name.
        signed: False: nobody signed it, and its content was verified by its checksum.
        signed_metadata: the index is signed as well, not just the packages; apt's always is.
    """

    name: str
    title: str
    url: str
    suite: str = ""
    components: tuple[str, ...] = ()
    key: str | None = None
    key_url: str = ""
    key_fingerprints: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    signed: bool = True
    signed_metadata: bool = True


class Family(Protocol):
    """A family: data, and operations that differ."""

    name: str
    """What it is called, e.g. ``debian``."""
    systems: Mapping[str, tuple[str, ...]]
    """Systems by their os-release ID, each with the versions it was made for."""
    package_format: PackageFormat
    chrony: Chrony
    tools: tuple[str, ...]
    """Packages that Kubernetes calls and that its own packages need not bring."""
    upgrade_files: tuple[RenderedFile, ...]
    """Keep what upgrades or restarts by itself off the runtime and Kubernetes."""
    rivals: Mapping[str, tuple[str, ...]]
    """A runtime's package, and the other packages that exclude it."""
    selinux_package: str
    """The package with SELinux's rules for containers; empty where SELinux is not at work."""

    together: bool
    """Whether packages of several phases can be installed in one transaction."""

    def runtime_package(self, runtime: RuntimeName) -> str:
        """The package of a runtime: the distribution's own, where it has one."""

    def present(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of these packages that are installed, by that very name."""

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
        """Install packages.

        Args:
            wanted: names and versions; a version may end in ``*``.
            name: the operation's name.
            held: keep them from being upgraded by anything else.
            repository: name of the one they come from, where it excludes them by itself.
            instead_of: installed packages that exclude them, and go in the same transaction.
            along: what later phases will install, taken along where anything is installed here;
                empty unless ``together``.
        """

    def removed(self, names: tuple[str, ...], *, name: str) -> None:
        """Remove packages, held or not.

        Args:
            names: of packages; those that are not installed are passed over.
            name: the operation's name.
        """

    def repository(self, repository: Repository, wanted: Wanted) -> None:
        """Make a package source, and its key, known.

        Args:
            wanted: what will be installed from there; its own key is fetched again for that.
        """

    def repository_files(self, repository: Repository) -> Iterable[RenderedFile]:
        """The files of a package source; a key that has to be fetched is a placeholder."""
