"""Programs out of a verified file, for where no package has them."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from pathlib import PurePosixPath

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists
from kubeinstall.facts.programs import InstalledFrom
from kubeinstall.operations.commands import Command
from kubeinstall.operations.downloads import Download, brought, functions
from kubeinstall.operations.files import MARKER
from kubeinstall.resources import script

_GONE = """\
set -e
sed 1d {record} | cut -d' ' -f1 | xargs -r rm -f
{unit}
rm -f {record}"""

# Restarted with what there is now; it may only have the configuration for it in a moment.
_UNIT_GONE = """\
if grep -qsF {marker} {file}; then
  rm -f {file}
  systemctl daemon-reload
  systemctl try-restart {name} || true
fi"""


@operation()
def programs_installed(
    download: Download,
    program: str,
    folder: str,
    record: str,
    packed: bool = True,
    check: str = "--version",
) -> Generator[object]:
    """Programs from exactly this file; those of an earlier one that it does not have are removed.

    Args:
        download: a tar with ``bin/`` in it, or with the program among documents, or else the
            program itself.
        program: its main program, which has to run on the host.
        folder: where programs are afterwards, e.g. ``/usr/local/bin``.
        record: path of a file that says what they were installed from.
        packed: whether it is a tar.
        check: the argument with which the program only says what it is.

    Raises:
        OperationError: the file on this machine is another one.
    """
    if host.get_fact(InstalledFrom, record=record) == download.sha256:
        return
    parent = PurePosixPath(record).parent
    part = str(parent / "download")
    yield from brought(download, part, program)
    install = script(
        "programs/install",
        part=part,
        packed="yes" if packed else "",
        program=program,
        check=check,
        new=str(parent / "new"),
        folder=folder,
        record=record,
        sha256=download.sha256,
    )
    yield Command(f"{functions(download, part, program)}\n{install}")


@operation()
def programs_gone(record: str, unit: str = "") -> Generator[Command]:
    """No programs that came out of a file, and no unit of ours that starts them.

    Args:
        record: path of the file that lists them.
        unit: path of the unit's file; one of somebody else's stays.
    """
    if not host.get_fact(Exists, path=record):
        return
    gone = ""
    if unit:
        gone = _UNIT_GONE.format(
            marker=shlex.quote(MARKER),
            file=shlex.quote(unit),
            name=shlex.quote(PurePosixPath(unit).name),
        )
    yield Command(_GONE.format(record=shlex.quote(record), unit=gone))
