"""The folder of programs a mirror is filled from: what has to be in it, and that it fits."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror import elf
from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.names import ImageName, parse_list
from kubeinstall.lab.mirror.shell import run

CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE = ("kubeadm", "kubelet", "kubectl")
REQUIRED = (*NODE, *CONTROL_PLANE, "kube-proxy")
OPTIONAL = ("etcd", "pause", "crictl", "coredns")

_CUSTOM = "mirror.invalid"
_VERSION_WORDS = {
    "kubeadm": ("version", "-o", "short"),
    "kubectl": ("version", "--client"),
}


@dataclass(frozen=True)
class Programs:
    """A folder of programs of one Kubernetes version.

    Args:
        folder: where they are.
        kubernetes: exact version, ``1.20.2``.
    """

    folder: Path
    kubernetes: str

    def path(self, name: str) -> Path:
        """One program's file."""
        return self.folder / name

    def has(self, name: str) -> bool:
        """Whether an optional program is there."""
        return self.path(name).is_file()

    @property
    def archives(self) -> tuple[Path, ...]:
        """The image archives in the folder."""
        return tuple(sorted(self.folder.glob("*.tar")))

    def check(self) -> None:
        """Refuse a folder that lacks a program, or has one of another version.

        Raises:
            MirrorError: names every program at fault.
        """
        if missing := [name for name in REQUIRED if not self.has(name)]:
            raise MirrorError(
                f"{self.folder} lacks {', '.join(missing)}",
                why=f"a mirror needs {', '.join(REQUIRED)}",
                next="add the missing programs, of the same version",
            )
        for name in (*REQUIRED, *filter(self.has, OPTIONAL)):
            self._check_program(name)
        for name in REQUIRED:
            self._check_version(name)

    def images(self) -> tuple[ImageName, ...]:
        """The images this kubeadm asks for, under the names of its own registry and of a mirror.

        The two differ for CoreDNS: ``coredns/coredns`` upstream, ``coredns`` in a mirror.
        """
        asked = [*self._ask(), *self._ask("--image-repository", _CUSTOM)]
        return tuple(dict.fromkeys(asked))

    def digest(self) -> str:
        """A hash of all programs and archives in the folder."""
        names = [name for name in (*REQUIRED, *OPTIONAL) if self.has(name)]
        files = [*(self.path(name) for name in names), *self.archives]
        return hash_files(files)

    def _ask(self, *more: str) -> tuple[ImageName, ...]:
        version = f"v{self.kubernetes}"
        return parse_list(
            run(
                [
                    self.path("kubeadm"),
                    *("config", "images", "list", "--kubernetes-version", version),
                    *more,
                ]
            )
        )

    def _check_program(self, name: str) -> None:
        if not elf.is_program(self.path(name)):
            raise MirrorError(
                f"{self.path(name)} is not a Linux program",
                next="replace it with the program itself, not a script or an archive",
            )
        if not os.access(self.path(name), os.X_OK):
            raise MirrorError(
                f"{self.path(name)} is not executable",
                why="kubeadm is run to list its images, and every program to print its version",
                next=f"chmod +x {self.path(name)}",
            )

    def _check_version(self, name: str) -> None:
        try:
            said = run([self.path(name), *_VERSION_WORDS.get(name, ("--version",))])
        except MirrorError as error:
            raise MirrorError(
                f"{self.path(name)} does not run on this machine",
                why=error.why or error.what,
                next="use programs for this machine's architecture",
            ) from error
        if not says_version(said, self.kubernetes):
            raise MirrorError(
                f"{self.path(name)} is not from Kubernetes {self.kubernetes}",
                why=f"it printed {' '.join(said.split())[:120]}",
                next="specify its version with --kubernetes, or replace the program",
            )


def says_version(said: str, kubernetes: str) -> bool:
    """Whether a program's output names this version and not one that begins like it."""
    at = said.find(f"v{kubernetes}")
    if at < 0:
        return False
    following = said[at + len(kubernetes) + 1 :][:1]
    return not following.isdigit() and following not in ("-", ".")


def hash_files(files: list[Path]) -> str:
    """One short hash of several files, their names included."""
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            total.update(
                f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode()
            )
    return total.hexdigest()[:12]
