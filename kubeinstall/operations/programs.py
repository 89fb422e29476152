"""Programs out of a verified file, for where no package has them."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from pathlib import PurePosixPath

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import BACKUP_SUFFIX, Exists
from kubeinstall.facts.programs import InstalledFrom
from kubeinstall.operations.commands import Command
from kubeinstall.operations.downloads import Download, brought, unpacked, verification
from kubeinstall.operations.files import MARKER

_SET = """\
set -e
record={record}
part={part}
new={new}
folder={folder}
{verify}
rm -rf "$new" && mkdir "$new"
"""

_TAR = """\
{unpack}
from=$(find "$new" -type f -path '*/bin/{program}' -printf '%h\\n' | head -n 1)
if [ -z "$from" ]; then
  alone=$(find "$new" -type f -name {program} | head -n 1)
  [ -n "$alone" ] || {{ echo 'the archive has no {program}' >&2; exit 1; }}
  from=$new/.alone
  mkdir "$from" && mv "$alone" "$from"
fi
"""

_FILE = """\
from=$new
mv "$part" "$from/{program}"
"""

# One that was there before us is kept beside it; one that an earlier file brought, and this one
# does not, goes. The record is written last: a run that is cut off begins anew. restorecon fails
# where no SELinux policy is loaded, and no label counts there.
_PLACE = """\
chmod 755 "$from/{program}"
"$from/{program}" {check} >/dev/null || {{ echo '{program} does not run here' >&2; exit 1; }}
old=$(sed 1d "$record" 2>/dev/null | cut -d' ' -f1)
placed=
mkdir -p "$folder"
for file in "$from"/*; do
  [ -f "$file" ] || continue
  at=$folder/${{file##*/}}
  if [ -e "$at" ] && [ ! -e "$at{backup}" ] && ! printf '%s\\n' "$old" | grep -qxF "$at"; then
    cp -a "$at" "$at{backup}"
  fi
  install -m 755 "$file" "$at.part" && mv -f "$at.part" "$at"
  placed="$placed $at"
done
if command -v restorecon >/dev/null; then restorecon $placed || true; fi
for at in $old; do
  case "$placed " in *" $at "*) ;; *) rm -f "$at" ;; esac
done
{{ echo {sha256}; stat -c '%n %s %Y' $placed; }} > "$record.part"
mv -f "$record.part" "$record"
rm -rf "$new" "$part"
"""

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
    script = (_SET + (_TAR if packed else _FILE) + _PLACE).format(
        record=shlex.quote(record),
        part=shlex.quote(part),
        new=shlex.quote(str(parent / "new")),
        folder=shlex.quote(folder),
        verify=verification(download, part, program),
        program=program,
        check=check,
        unpack=unpacked('"$part"', '"$new"', program),
        backup=BACKUP_SUFFIX,
        sha256=shlex.quote(download.sha256),
    )
    yield Command(script)


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
