"""Debian's packages, through a state of apt that is ours: the machine's own is left as it is."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.model import Progress
from kubeinstall.lab.mirror.shell import run
from kubeinstall.lab.mirror.sources import with_sources_deb822, with_sources_list

ETC = Path("/etc/apt")
_FRESH = 24 * 3600
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


@dataclass(frozen=True)
class Apt:
    """apt with a state of its own, binary and source packages of the machine's Debian mirrors.

    Args:
        state: its folder.
    """

    state: Path

    def update(self, progress: Progress) -> None:
        """Read the package lists, unless they were read today.

        Without a network the old lists do: what was cached can still be used.
        """
        stamp = self.state / "updated"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < _FRESH:
            return
        progress("reading Debian's package lists")
        self._prepare()
        try:
            run(["apt-get", *self._options, "update", "--error-on=any"])
        except MirrorError as error:
            if stamp.exists():
                progress("  the Debian mirror does not answer: using the lists of the last run")
                return
            raise MirrorError(
                "Debian's package lists cannot be read",
                why=error.why,
                next="apt-get update; fix the errors it reports",
            ) from error
        stamp.touch()

    def source_version(self, package: str) -> str:
        """The newest version of a source package."""
        shown = run(["apt-cache", *self._options, "showsrc", "--only-source", package])
        versions = [
            line.partition(":")[2].strip()
            for line in shown.splitlines()
            if line.startswith("Version:")
        ]
        if not versions:
            raise MirrorError(
                f"the Debian mirror has no source package {package}",
                why="no Debian release in this machine's apt sources has it",
                next="use Debian 12, or pass the programs with --from-binaries",
            )
        return versions[0]

    def download_source(self, package: str, version: str, folder: Path) -> Path:
        """Download a source package, and return its ``.dsc``; apt checks its signature chain."""
        folder.mkdir(parents=True, exist_ok=True)
        wanted = f"{package}={version}"
        run(["apt-get", *self._options, "source", "--download-only", wanted], cwd=folder)
        return folder / f"{package}_{version.partition(':')[2] or version}.dsc"

    def unpack(self, package: str, folder: Path) -> Path:
        """Unpack one package without installing it: its services never start here."""
        archives = folder / "archives" / package
        archives.mkdir(parents=True, exist_ok=True)
        run(["apt-get", *self._options, "download", package], cwd=archives)
        return _extract(sorted(archives.glob("*.deb")), folder / package)

    def unpack_with_dependencies(self, packages: tuple[str, ...], root: Path) -> Path:
        """Unpack packages and all they depend on, as if onto an empty system."""
        archives = root.parent / f"{root.name}.archives"
        (archives / "partial").mkdir(parents=True)
        run(
            [
                "apt-get",
                *self._options,
                "-o",
                f"Dir::Cache::archives={archives}",
                "-o",
                "APT::Install-Recommends=false",
                "install",
                "--yes",
                "--download-only",
                *packages,
            ],
            env=_QUIET,
        )
        return _extract(sorted(archives.glob("*.deb")), root)

    def version(self, package: str) -> str:
        """The version of a binary package that would be downloaded."""
        shown = run(["apt-cache", *self._options, "show", "--no-all-versions", package])
        for line in shown.splitlines():
            if line.startswith("Version:"):
                return line.partition(":")[2].strip()
        raise MirrorError(f"the Debian mirror has no package {package}")

    @property
    def _options(self) -> list[str]:
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": self.state / "sources",
            "Dir::State": self.state / "state",
            # An empty system: "with all it depends on" must not mean "less what is installed here".
            "Dir::State::status": self.state / "status",
            "Dir::Cache": self.state / "cache",
            "APT::Sandbox::User": "root",
        }
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def _prepare(self) -> None:
        for name in ("sources", "state/lists/partial", "cache/archives/partial"):
            (self.state / name).mkdir(parents=True, exist_ok=True)
        (self.state / "status").touch()
        found = _read(ETC / "sources.list.d" / "debian.sources")
        old = _read(ETC / "sources.list")
        if not (found or old):
            raise MirrorError(
                "this machine has no Debian package source",
                why=f"neither {ETC}/sources.list nor {ETC}/sources.list.d/debian.sources exists",
                next="build the mirror on a Debian machine",
            )
        sources = self.state / "sources"
        (sources / "debian.sources").write_text(with_sources_deb822(found))
        (sources / "debian.list").write_text(with_sources_list(old))


def require(packages: tuple[str, ...], progress: Progress) -> None:
    """Install the tools that are missing on this machine."""
    missing = [package for package in packages if not _installed(package)]
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise MirrorError(
            f"this machine is missing {', '.join(missing)}",
            next=f"sudo {' '.join(command)}",
        )
    progress(f"installing {', '.join(missing)} on this machine")
    run(["apt-get", "update"], env=_QUIET)
    run(command, env=_QUIET)


def architecture() -> str:
    """Debian's name of this machine's architecture, which Go and the registries share."""
    return run(["dpkg", "--print-architecture"]).strip()


def _installed(package: str) -> bool:
    try:
        return run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package]) == "installed"
    except MirrorError:
        return False


def _extract(archives: list[Path], root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        run(["dpkg-deb", "--extract", archive, root])
    return root


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
