"""What a finished mirror is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kubeinstall.releases import Version

Progress = Callable[[str], None]
"""Takes one short line for the person who waits."""

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a tree holds, written last: a tree without it is not finished.

    Args:
        kubernetes: exact version, ``1.20.2``.
        origin: ``debian`` or ``binaries``.
        images: names without a registry's host, ``kube-apiserver:v1.20.2``.
        packages: package to version, ``{"kubelet": "1.20.2-1.1"}``.
        missing: image names that kubeadm asks for and that could not be fetched.
    """

    kubernetes: str
    origin: str
    images: tuple[str, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def write(self, tree: Path) -> None:
        """Write it into a tree."""
        text = json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"
        (tree / MANIFEST).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, tree: Path) -> Manifest:
        """Read it from a tree."""
        data = json.loads((tree / MANIFEST).read_text(encoding="utf-8"))
        return cls(
            kubernetes=data["kubernetes"],
            origin=data["origin"],
            images=tuple(data["images"]),
            packages=data["packages"],
            missing=tuple(data["missing"]),
        )


@dataclass(frozen=True)
class MirrorTree:
    """A finished mirror on disk.

    Args:
        path: its folder.
        kubernetes: exact version, ``1.20.2``.
    """

    path: Path
    kubernetes: str

    @property
    def apt(self) -> Path:
        """The folder to serve over HTTP at ``/``."""
        return self.path / "apt"

    @property
    def registry(self) -> Path:
        """The storage root of docker-registry (``storage.filesystem.rootdirectory``)."""
        return self.path / "registry"

    @property
    def repository(self) -> str:
        """The signed apt repository below ``apt/``, in the official layout."""
        return repository_path(self.kubernetes)

    @property
    def manifest(self) -> Manifest:
        """What the tree holds."""
        return Manifest.read(self.path)


def repository_path(kubernetes: str) -> str:
    """``core:/stable:/v1.20/deb`` for ``1.20.2``."""
    return f"core:/stable:/v{Version.parse(kubernetes).minor_name}/deb"
