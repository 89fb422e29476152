"""Where the files shipped with the package are: in the wheel, or at the top of a checkout."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from functools import cache as kept
from pathlib import Path

_PACKAGE = Path(__file__).parent
_COMMENT = re.compile(r"^[ \t]*#.*\n", re.MULTILINE)


def folder(name: str) -> Path:
    """The shipped folder ``templates``, ``addons`` or ``inventories``."""
    packed = _PACKAGE / "_data" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name


def script(name: str, words: Iterable[str] | None = None, /, **variables: str | int) -> str:
    """A shipped shell script, without its comments, with its variables set before it.

    The file is read once. It names the variables that it needs itself, and they reach it quoted, so
    shellcheck reads the file as it is run.

    Args:
        name: path below ``templates/scripts/``, without ``.sh``.
        words: the positional parameters; None: those of who runs it.
        variables: the shell variables.

    Raises:
        OSError: there is no such script.
    """
    lines = [f"{key}={shlex.quote(str(value))}" for key, value in variables.items()]
    if words is not None:
        lines.append(shlex.join(["set", "--", *words]))
    return "\n".join([*lines, _script(name)])


@kept
def _script(name: str) -> str:
    text = (folder("templates") / "scripts" / f"{name}.sh").read_text(encoding="utf-8")
    return _COMMENT.sub("", text).rstrip("\n")


def cache() -> Path:
    """The user's own folder for what can be fetched again: ``$XDG_CACHE_HOME/kubeinstall``.

    Raises:
        RuntimeError: the user has no home.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubeinstall"
