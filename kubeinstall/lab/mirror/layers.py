"""Docker archives, written byte for byte the same from the same folders."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Layer:
    """A folder packed as one layer.

    Args:
        path: the tar file.
        digest: its SHA-256.
    """

    path: Path
    digest: str


@dataclass(frozen=True)
class Image:
    """An image to write.

    Args:
        names: its names with tags, no registry's host.
        layers: bottom first.
        entrypoint: the program that is always run.
        command: what is run, or the entrypoint's arguments, when a pod names none.
        settings: further fields of the image's configuration, such as ``User``.
    """

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def configuration(self, architecture: str) -> bytes:
        """The image's configuration; its hash is the image's identity."""
        run: dict[str, Any] = {"Env": [f"PATH={PATH}"], **self.settings}
        if self.entrypoint:
            run["Entrypoint"] = list(self.entrypoint)
        if self.command:
            run["Cmd"] = list(self.command)
        document = {
            "architecture": architecture,
            "os": "linux",
            "created": _EPOCH,
            "config": run,
            "history": [{"created": _EPOCH, "created_by": "kubeinstall"} for _ in self.layers],
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{layer.digest}" for layer in self.layers],
            },
        }
        return _json(document)

    def write(self, to: Path, architecture: str) -> None:
        """Write the docker archive."""
        configuration = self.configuration(architecture)
        name = f"{hashlib.sha256(configuration).hexdigest()}.json"
        listed = {
            "Config": name,
            "RepoTags": list(self.names),
            "Layers": [f"{layer.digest}.tar" for layer in self.layers],
        }
        with tarfile.open(to, "w") as archive:
            _add_bytes(archive, "manifest.json", _json([listed]))
            _add_bytes(archive, name, configuration)
            for layer in self.layers:
                entry = archive.gettarinfo(layer.path, f"{layer.digest}.tar")
                with layer.path.open("rb") as file:
                    archive.addfile(_plain(entry), file)


def pack(root: Path, to: Path) -> Layer:
    """Pack a folder: sorted, owned by root, without times."""
    with tarfile.open(to, "w") as archive:
        for path in sorted(root.rglob("*")):
            archive.add(path, str(path.relative_to(root)), recursive=False, filter=_plain)
    with to.open("rb") as file:
        return Layer(to, hashlib.file_digest(file, "sha256").hexdigest())


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = 0
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
