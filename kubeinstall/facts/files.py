"""Files: what is in them, as it is on the host."""

from __future__ import annotations

import base64
import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.values import mode

BACKUP_SUFFIX = ".before-kubeinstall"


@dataclass(frozen=True)
class FileState:
    """A regular file.

    Args:
        mode: octal digits as chmod takes them, e.g. ``644``.
        content: its bytes.
        backed_up: whether a copy from before us lies beside it.
    """

    mode: str
    content: bytes
    backed_up: bool = False

    @property
    def text(self) -> str | None:
        """The content, or None where it is not UTF-8."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return None


class File(FactBase[FileState | None]):
    """Mode and content of the file at ``path``; None where there is none."""

    def command(self, path: str) -> str:
        file, backup = shlex.quote(path), shlex.quote(path + BACKUP_SUFFIX)
        return (
            f"if [ -f {file} ]; then stat -L -c %a {file}; "
            f"[ -e {backup} ] && echo yes || echo no; base64 -w0 {file}; echo; fi || true"
        )

    def process(self, output: list[str]) -> FileState | None:
        if len(output) < 2:
            return None
        try:
            permissions = mode(output[0].strip())
            content = base64.b64decode("".join(output[2:3]), validate=True)
        except ValueError:
            return None
        return FileState(permissions, content, output[1].strip() == "yes")


class Exists(FactBase[bool]):
    """Whether anything is at ``path``; a dangling link is something."""

    @staticmethod
    def default() -> bool:
        return False

    def command(self, path: str) -> str:
        at = shlex.quote(path)
        return f"if [ -e {at} ] || [ -L {at} ]; then echo yes; fi || true"

    def process(self, output: list[str]) -> bool:
        return "yes" in output
