"""Files that kubeinstall owns: written whole, atomically, and only where they differ."""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Iterable, Mapping
from difflib import unified_diff
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists, File, FileState
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command
from kubeinstall.operations.undo import forgotten, put_back, set_aside

MARKER = "Managed by kubeinstall"
_LOGIN = re.compile(rb"://[^/\s]+@")

_PROVED = """ && {{
  if said=$({proof} 2>&1); then {good}
  else
    {back}
    printf '%s\\n' "$said" | tail -n 5 >&2
    echo "the previous version was restored:$back" >&2
    false
  fi; }}"""


class Holds(Enum):
    """What a kind of file can hold, whatever is in one now.

    Whoever writes a file declares it. Content cannot decide it: a file without a password today may
    have had one yesterday, and a diff shows both.
    """

    PUBLIC = "public"
    """Nothing that is a secret, ever: its diff is shown."""
    SECRETS = "secrets"
    """A password, token or key, or settings of the user's own that may hold one: no diff."""


class WriteFile(Command):
    """Write a file whole: all of it, or the old one stays.

    Args:
        path: absolute path; its folder is made.
        content: the text, which travels on standard input.
        mode: octal digits, e.g. ``644``.
        holds: what this kind of file can hold; it alone decides whether there is a diff.
        old: the file that is there.
        changed: names of the settings that change, shown in place of a diff.
        undo: whether the old file is set aside for whoever starts its service: see ``undo``.
        check: a shell command that fails where the new file, ``"$tmp"``, is of no use; the old one
            stays then.
        proof: a shell command that fails where the file is of no use in its place; the old one
            comes back then.
    """

    def __init__(
        self,
        path: str,
        content: str,
        mode: str,
        *,
        holds: Holds,
        old: FileState | None = None,
        changed: Iterable[str] = (),
        undo: bool = False,
        check: str = "",
        proof: str = "",
    ) -> None:
        target = PurePosixPath(path)
        folder, file = shlex.quote(str(target.parent)), shlex.quote(path)
        pattern = shlex.quote(str(target.parent / f".{target.name}.XXXXXX"))
        size = len(content.encode())
        checked = f" && {{ {check}; }}" if check else ""
        aside = f" && {set_aside(path)}" if undo or proof else ""
        proved = (
            _PROVED.format(proof=proof, good=forgotten((path,)), back=put_back((path,)))
            if proof
            else ""
        )
        super().__init__(
            # mktemp: mode 0600 from the start, in the same file system. head stops at the size as
            # some connectors end standard input with a newline; the size tells a cut connection.
            f"mkdir -p {folder} && tmp=$(mktemp {pattern}) && trap 'rm -f \"$tmp\"' EXIT"
            f' && head -c {size} > "$tmp" && [ "$(stat -c %s "$tmp")" = {size} ]'
            f' && chmod {mode} "$tmp"{checked}{aside} && mv -fT "$tmp" {file}{proved}',
            diff=(
                _diff(path, old, content)
                if holds is Holds.PUBLIC
                else "\n".join(f"~ {name} (hidden)" for name in changed)
            ),
            stdin=content,
        )
        self.path = path
        self.holds = holds


def changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The paths of the settings that differ, e.g. ``plugins.cri.sandbox_image``, without values."""
    found = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += [f"{key}.{name}" for name in changed_names(before, after)]
        elif before != after:
            found.append(str(key))
    return found


def _diff(path: str, old: FileState | None, new: str) -> str:
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
    path: str,
    content: str,
    holds: Holds,
    mode: str = "644",
    changed: tuple[str, ...] = (),
    undo: bool = False,
    check: str = "",
    proof: str = "",
) -> Generator[Command]:
    """A file with exactly this content.

    A file that was there before us is kept beside it, once, with the suffix
    ``.before-kubeinstall``.

    Args:
        path: absolute path; its folder is made.
        content: the whole text.
        holds: what this kind of file can hold, whatever the content is now.
        mode: octal digits.
        changed: names of the settings that change, shown in place of a diff.
        undo: whether the old file comes back where its service, which ``services.running`` starts,
            does not start with the new one.
        check: as ``WriteFile`` takes it.
        proof: as ``WriteFile`` takes it.
    """
    old = host.get_fact(File, path=path)
    if old is None or old.content != content.encode():
        if old is not None and not old.backed_up and MARKER.encode() not in old.content:
            yield Command(backups.copied(path))
        yield WriteFile(
            path,
            content,
            mode,
            holds=holds,
            old=old,
            changed=changed,
            undo=undo,
            check=check,
            proof=proof,
        )
    elif old.mode != mode:
        yield Command(f"chmod {mode} {shlex.quote(path)}")


@operation()
def given_back(path: str) -> Generator[Command]:
    """No file of ours at this path: the one that was there before us is put back, if there was one.

    Args:
        path: absolute path; a file without our mark is the user's, and stays.
    """
    old = host.get_fact(File, path=path)
    if old is not None and MARKER.encode() in old.content:
        yield Command(backups.put_back(path) if old.backed_up else f"rm -f {shlex.quote(path)}")


@operation()
def login_gone(path: str) -> Generator[Command]:
    """No file with a login in a URL at this path; one without stays.

    Args:
        path: absolute path.
    """
    old = host.get_fact(File, path=path)
    if old is not None and _LOGIN.search(old.content):
        yield Command(f"rm -f {shlex.quote(path)}")


@operation()
def absent_file(path: str) -> Generator[Command]:
    """No file at this path."""
    if host.get_fact(Exists, path=path):
        yield Command(f"rm -f {shlex.quote(path)}")
