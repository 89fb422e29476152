"""What was there before us: kept beside, once, and put back."""

from __future__ import annotations

import shlex

from kubeinstall.facts.files import BACKUP_SUFFIX


def copied(path: str) -> str:
    """The shell command that copies a file to ``*.before-kubeinstall``; an older copy stays.

    The copy has its name only when it is whole, so a run that is killed leaves none that is not.

    Args:
        path: absolute path of a file that is there.
    """
    file, copy = _both(path)
    part = shlex.quote(f"{path}{BACKUP_SUFFIX}.part")
    return f"[ -e {copy} ] || {{ cp -a {file} {part} && mv -fT {part} {copy}; }}"


def moved(path: str) -> str:
    """The shell command that moves a file to ``*.before-kubeinstall``; an older one stays.

    Args:
        path: absolute path of a file that may be there.
    """
    file, copy = _both(path)
    return f"[ ! -e {file} ] || [ -e {copy} ] || mv {file} {copy}"


def aside(path: str) -> str:
    """The shell command that takes a file out of the way, to ``*.before-kubeinstall``.

    It has to go even where there is a copy already: that one gets the suffix ``.~1~``.

    Args:
        path: absolute path of a file that may be there.
    """
    file, copy = _both(path)
    return f"[ ! -f {file} ] || mv -T --backup=numbered {file} {copy}"


def put_back(path: str) -> str:
    """The shell command that puts back the file that was there before us.

    Args:
        path: absolute path of a file that has a copy.
    """
    file, copy = _both(path)
    return f"mv -fT {copy} {file}"


def _both(path: str) -> tuple[str, str]:
    return shlex.quote(path), shlex.quote(path + BACKUP_SUFFIX)
