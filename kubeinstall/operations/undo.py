"""A service's file is replaced, and the old one is put back if the service does not start with it.

Before ``WriteFile(undo=True)`` replaces a file, the old one (or the note that there was none) is
set aside. Whoever starts the service takes that away once it runs (``forgotten``), or puts it back
and starts the service again (``put_back``). What was set aside stays while nothing has shown that
the new file works, so it outlasts a run that is killed between the two.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

FOLDER = "/var/lib/kubeinstall/undo"
"""Where old files are set aside; root's alone, for some hold logins."""


def _aside(path: str) -> str:
    return f"{FOLDER}/{path.strip('/').replace('%', '%25').replace('/', '%')}"


def set_aside(path: str) -> str:
    """The shell command that sets a file aside, unless an older one is there already.

    Args:
        path: absolute path; there may be no such file.
    """
    file, kept = shlex.quote(path), shlex.quote(_aside(path))
    none = shlex.quote(f"{_aside(path)}.none")
    return (
        f"install -d -m 700 {FOLDER} && {{ [ -e {kept} ] || [ -e {none} ] || "
        f"if [ -e {file} ]; then cp -a {file} {kept}.part && mv -fT {kept}.part {kept}; "
        f"else : > {none}; fi; }}"
    )


def forgotten(paths: Iterable[str]) -> str:
    """The shell command that takes away what was set aside: the new files work."""
    names = [shlex.quote(_aside(path) + end) for path in paths for end in ("", ".none")]
    return f"rm -f {' '.join(names)}" if names else ":"


def put_back(paths: Iterable[str]) -> str:
    """Shell commands that put back what was set aside; ``$back`` is which files were."""
    lines = ["back="]
    for path in paths:
        file, kept = shlex.quote(path), shlex.quote(_aside(path))
        none = shlex.quote(f"{_aside(path)}.none")
        lines.append(
            f'if [ -e {kept} ]; then mv -fT {kept} {file} && back="$back "{file}; '
            f'elif [ -e {none} ]; then rm -f {file} {none} && back="$back "{file}; fi'
        )
    return "\n".join(lines)


def functions(paths: Iterable[str]) -> str:
    """Shell functions: ``forget`` is ``forgotten``, ``put_back`` sets ``$back`` as well."""
    given = tuple(paths)
    return f"forget() {{ {forgotten(given)}; }}\nput_back() {{\n{put_back(given)}\n}}"
