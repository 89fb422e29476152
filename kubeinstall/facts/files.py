"""Files: what is in them, as it is on the host."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.facts import FactBase

from kubeinstall.facts.values import mode, number

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
    """Mode and content of the file at ``path``; None where there is none.

    Many are read by one command: see ``docs/architecture.md``, "Facts in bulk".
    """

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

    @staticmethod
    def together(asked: Sequence[Mapping[str, Any]]) -> str:
        """The command for several paths."""
        paths = shlex.join(one["path"] for one in asked)
        return (
            f'set -- {paths}; for f do shift; if [ ! -f "$f" ]; then echo -; else '
            f'if [ -e "$f{BACKUP_SUFFIX}" ]; then echo yes; else echo no; fi; set -- "$@" "$f"; '
            'fi; done; [ $# = 0 ] || { stat -L -c "%a %s" -- "$@" && cat -- "$@" | base64 -w0; }'
        )

    @staticmethod
    def apart(output: Sequence[str], asked: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        """What ``command`` would have printed for each of them.

        Raises:
            ValueError: a file changed meanwhile, or this is no such output.
        """
        backed_up, rest = output[: len(asked)], output[len(asked) :]
        there = sum(1 for answer in backed_up if answer != "-")
        shown, coded = rest[:there], "".join(rest[there : there + 1])
        content = base64.b64decode(coded, validate=True)
        files: list[tuple[str, bytes]] = []
        at = 0
        for line in shown:
            permissions, _, size = line.partition(" ")
            end = at + number(size)
            files.append((permissions, content[at:end]))
            at = end
        if len(backed_up) != len(asked) or len(shown) != there or at != len(content):
            raise ValueError("the files are not as long as they were")
        left = iter(files)
        return [() if answer == "-" else _printed(answer, *next(left)) for answer in backed_up]


def _printed(backed_up: str, permissions: str, content: bytes) -> tuple[str, ...]:
    return permissions, backed_up, base64.b64encode(content).decode()


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

    @staticmethod
    def together(asked: Sequence[Mapping[str, Any]]) -> str:
        """The command for several paths."""
        paths = shlex.join(one["path"] for one in asked)
        there = '[ -e "$at" ] || [ -L "$at" ]'
        return f"for at in {paths}; do if {there}; then echo yes; else echo no; fi; done"

    @staticmethod
    def apart(output: Sequence[str], asked: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        """What ``command`` would have printed for each of them.

        Raises:
            ValueError: this is no such output.
        """
        if len(output) != len(asked):
            raise ValueError("it is not one line for each path")
        return [(line,) if line == "yes" else () for line in output]
