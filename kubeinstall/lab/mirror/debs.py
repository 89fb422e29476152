"""The Debian packages of a mirror, shaped as the official ones are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kubeinstall.lab.mirror.shell import run

REVISION = "1.1"
EPOCH = {"SOURCE_DATE_EPOCH": "1577836800"}


@dataclass(frozen=True)
class Package:
    """One package to make.

    Args:
        name: its name.
        version: upstream's version; the official revision is added.
        summary: one line.
        depends: what it needs, in Debian's words.
        programs: path in the package to the file that goes there.
        texts: path in the package to a text that goes there.
        scripts: maintainer script to its text.
    """

    name: str
    version: str
    summary: str
    depends: tuple[str, ...] = ()
    programs: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_version(self) -> str:
        """``1.20.2-1.1``."""
        return f"{self.version}-{REVISION}"

    @property
    def configuration(self) -> tuple[str, ...]:
        """The files an administrator may change and dpkg must keep."""
        return tuple(f"/{path}" for path in self.texts if path.startswith("etc/"))

    def control(self, architecture: str) -> str:
        """The package's control file."""
        fields = {
            "Package": self.name,
            "Version": self.full_version,
            "Architecture": architecture,
            "Maintainer": "kubeinstall lab <root@localhost>",
            "Section": "admin",
            "Priority": "optional",
            "Homepage": "https://kubernetes.io",
            "Depends": ", ".join(self.depends),
            "Description": self.summary,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)

    def build(self, scratch: Path, to: Path, architecture: str) -> Path:
        """Make the ``.deb`` in a folder."""
        root = scratch / f"deb-{self.name}"
        for path, program in self.programs.items():
            _place(root / path, 0o755, program)
        for path, text in self.texts.items():
            _place(root / path, 0o644, text)
        _place(root / "DEBIAN/control", 0o644, self.control(architecture))
        if self.configuration:
            listed = "".join(f"{path}\n" for path in self.configuration)
            _place(root / "DEBIAN/conffiles", 0o644, listed)
        for name, text in self.scripts.items():
            _place(root / "DEBIAN" / name, 0o755, text)
        _open_folders(root)
        built = to / f"{self.name}_{self.full_version}_{architecture}.deb"
        # gzip: the programs are large, and a lab unpacks them more often than it sends them.
        run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, built], env=EPOCH)
        shutil.rmtree(root)
        return built


def _place(path: Path, mode: int, content: str | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    else:
        path.write_text(content, encoding="utf-8")
    path.chmod(mode)


def _open_folders(root: Path) -> None:
    """Folders anyone may enter, whatever the umask is: dpkg takes their modes over."""
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
