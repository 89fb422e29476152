"""From an exception to what the user reads, and the exit code."""

from __future__ import annotations

import errno
import os
import tempfile
import time
import traceback
from pathlib import Path

import click

from kubeinstall import __version__
from kubeinstall.engine import exits
from kubeinstall.findings import Finding, Kind, KubeinstallError, unwritable
from kubeinstall.report import door
from kubeinstall.resources import cache

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EPIPE)
"""What the system says of a disk that is full, or an output that nobody reads."""


def report(error: BaseException) -> int:
    """Print what ended a run.

    Returns:
        The exit code that belongs to it.
    """
    if isinstance(error, KubeinstallError):
        door.findings(error.findings)
        return error.exit_code
    if isinstance(error, click.Abort):
        door.echo("interrupted", err=True)
        return int(Kind.INTERRUPTED)
    if isinstance(error, OSError) and error.errno in _FULL:
        door.findings([unwritable(str(error.filename or "the standard output"), error)])
        return int(Kind.LOCAL)
    door.findings([_internal(error)])
    return int(Kind.INTERNAL)


def _internal(error: BaseException) -> Finding:
    """An unexpected error; its traceback is saved to a private file."""
    lines = traceback.format_exception(error)
    text = f"kubeinstall {__version__}\n{''.join(lines)}"
    try:
        advice = f"report it with the traceback in {_save(text)}; check the file for secrets first"
    except OSError as full:
        advice = (
            f"the traceback cannot be saved ({full.strerror or full}): fix that and run it again"
        )
    return Finding(
        Kind.INTERNAL,
        f"internal error: {type(error).__name__}",
        why="this is a bug in kubeinstall, not in your hosts or inventory",
        next=advice,
    )


def _save(text: str) -> Path:
    """Write a file with mode 0600 into the user's cache folder, else into the temporary one.

    Raises:
        OSError: neither can be written.
    """
    name = f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        folder = cache()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except (OSError, RuntimeError):
        descriptor, temporary = tempfile.mkstemp(suffix=f"-kubeinstall-{name}", text=True)
        path = Path(temporary)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(exits.cleaned(exits.redacted(text)))
    return path
