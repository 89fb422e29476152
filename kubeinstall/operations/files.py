"""Files that kubeinstall owns: written whole, atomically, and only where they differ."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Generator
from difflib import unified_diff
from pathlib import PurePosixPath

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import BACKUP_SUFFIX, Digest, Exists, File, FileState
from kubeinstall.operations.commands import Command

MARKER = "Managed by kubeinstall"


class WriteFile(Command):
    """Write a file whole: all of it, or the old one stays.

    Args:
        path: absolute path; its folder is made.
        content: the text, which travels on standard input.
        mode: octal digits, e.g. ``644``.
        diff: a unified diff to show; empty for secrets.
    """

    def __init__(self, path: str, content: str, mode: str, *, diff: str = "") -> None:
        target = PurePosixPath(path)
        folder, file = shlex.quote(str(target.parent)), shlex.quote(path)
        pattern = shlex.quote(str(target.parent / f".{target.name}.XXXXXX"))
        size = len(content.encode())
        super().__init__(
            # mktemp: mode 0600 from the start, in the same file system. head stops at the size as
            # some connectors end standard input with a newline; the size tells a cut connection.
            f"mkdir -p {folder} && tmp=$(mktemp {pattern}) && trap 'rm -f \"$tmp\"' EXIT"
            f' && head -c {size} > "$tmp" && [ "$(stat -c %s "$tmp")" = {size} ]'
            f' && chmod {mode} "$tmp" && mv -fT "$tmp" {file}',
            diff=diff,
            stdin=content,
        )
        self.path = path


def diff_of(path: str, old: FileState | None, new: str) -> str:
    """The unified diff from what is on the host to ``new``; empty where the old is not text."""
    before = "" if old is None else old.text
    if before is None:
        return ""
    lines = unified_diff(
        before.splitlines(),
        new.splitlines(),
        fromfile=path if old else "/dev/null",
        tofile=path,
        lineterm="",
    )
    return "\n".join(lines)


@operation()
def managed_file(
    path: str, content: str, mode: str = "644", shown: bool = True
) -> Generator[Command]:
    """A file with exactly this content.

    A file that was there before us is kept beside it, once, with the suffix
    ``.before-kubeinstall``.

    Args:
        path: absolute path; its folder is made.
        content: the whole text.
        mode: octal digits.
        shown: whether the difference may be shown; not where there are secrets among the rest.
    """
    old = host.get_fact(File, path=path)
    if old is None or old.content != content.encode():
        if old is not None and not old.backed_up and MARKER.encode() not in old.content:
            yield Command(f"cp -a {shlex.quote(path)} {shlex.quote(path + BACKUP_SUFFIX)}")
        diff = diff_of(path, old, content) if shown else ""
        yield WriteFile(path, content, mode, diff=diff)
    elif old.mode != mode:
        yield Command(f"chmod {mode} {shlex.quote(path)}")


@operation()
def secret_file(path: str, content: str, mode: str = "600") -> Generator[Command]:
    """A file with a secret: compared by its digest, never shown, never readable by others.

    Args:
        path: absolute path; its folder is made.
        content: the whole text; it travels on standard input.
        mode: octal digits.
    """
    old = host.get_fact(Digest, path=path)
    if old is None or old.sha256 != hashlib.sha256(content.encode()).hexdigest():
        yield WriteFile(path, content, mode)
    elif old.mode != mode:
        yield Command(f"chmod {mode} {shlex.quote(path)}")


@operation()
def absent_file(path: str) -> Generator[Command]:
    """No file at this path."""
    if host.get_fact(Exists, path=path):
        yield Command(f"rm -f {shlex.quote(path)}")
