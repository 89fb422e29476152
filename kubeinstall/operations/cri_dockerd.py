"""cri-dockerd: installed from an archive or a package, after its checksum was verified."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyinfra.api.command import FileUploadCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.cri_dockerd import CriDockerd
from kubeinstall.operations.commands import Command

FOLDER = "/usr/local/lib/cri-dockerd"
RECORD = f"{FOLDER}/installed"
_PART = f"{FOLDER}/download"

# The address goes to curl's standard input: it may hold a token, and every user sees arguments.
_FETCH = f"""\
mkdir -p {FOLDER}
# Only Debian's smallest systems have no curl.
command -v curl >/dev/null || DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y \\
  -o DPkg::Lock::Timeout=300 install --no-install-recommends curl ca-certificates >&2
curl -fsSL --retry 2 --connect-timeout 20 -o {_PART} -K - || {{
  echo 'cri-dockerd could not be downloaded' >&2; rm -f {_PART}; exit 1; }}"""

_VERIFY = f"""\
set -e
has=$(sha256sum < {_PART} | cut -d' ' -f1)
if [ "$has" != "$wanted" ]; then
  rm -f {_PART}
  echo "cri-dockerd: the file's SHA-256 is $has, not $wanted: nothing was installed" >&2
  exit 1
fi
"""

_UNPACK = f"""\
rm -rf {FOLDER}/unpacked && mkdir {FOLDER}/unpacked
tar -xzf {_PART} -C {FOLDER}/unpacked --no-same-owner
found=$(find {FOLDER}/unpacked -type f -name cri-dockerd | head -n 1)
[ -n "$found" ] || {{ echo 'the archive has no program cri-dockerd' >&2; exit 1; }}
install -m 755 "$found" "$program.part" && mv -f "$program.part" "$program"
rm -rf {FOLDER}/unpacked
"""

_DEB = f"""\
mv -f {_PART} {FOLDER}/package.deb
DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y -o DPkg::Lock::Timeout=300 \\
  install --no-install-recommends --allow-downgrades --reinstall {FOLDER}/package.deb
rm -f {FOLDER}/package.deb
"""

_RPM = f"""\
mv -f {_PART} {FOLDER}/package.rpm
dnf -q -y install {FOLDER}/package.rpm || dnf -q -y reinstall {FOLDER}/package.rpm
rm -f {FOLDER}/package.rpm
"""

_RECORD = f"""\
echo "$wanted $(sha256sum < "$program" | cut -d' ' -f1)" > {RECORD}.part
mv -f {RECORD}.part {RECORD}
rm -f {_PART}"""


@dataclass(frozen=True)
class Download:
    """A file to install from.

    Args:
        sha256: in hex.
        url: where the host fetches it.
        path: or where it is on this machine; it is then uploaded.
    """

    sha256: str
    url: str = ""
    path: str = ""

    @property
    def name(self) -> str:
        return self.path or self.url


@operation()
def cri_dockerd_installed(downloads: Mapping[str, Download], program: str) -> Generator[object]:
    """cri-dockerd from exactly this file.

    Args:
        downloads: by architecture as the kernel names it, e.g. ``x86_64``; the name of the file
            ends in ``.tgz``, ``.tar.gz``, ``.deb`` or ``.rpm``.
        program: where the program is afterwards.

    Raises:
        OperationError: there is none for the host, or the file on this machine is another one.
    """
    state = host.get_fact(CriDockerd, program=program, record=RECORD)
    download = downloads.get(state.machine)
    if download is None:
        raise OperationError(
            f"no cri-dockerd is known for {state.machine}: set cluster.runtime.cri_dockerd"
        )
    if state.source == download.sha256 and state.intact:
        return
    if download.path:
        _verify_here(download)
        yield Command(f"mkdir -p {FOLDER}")
        yield FileUploadCommand(download.path, _PART)
    else:
        yield Command(_FETCH, stdin=f'url = "{download.url}"\n')
    steps = {".deb": _DEB, ".rpm": _RPM}.get(download.name[-4:], _UNPACK)
    settings = f"wanted={shlex.quote(download.sha256)}\nprogram={shlex.quote(program)}\n"
    yield Command(f"{settings}{_VERIFY}{steps}{_RECORD}")


def _verify_here(download: Download) -> None:
    """Before twenty megabytes travel for nothing."""
    with Path(download.path).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != download.sha256:
        raise OperationError(
            f"{download.path}: its SHA-256 is {found}, not {download.sha256}: it was not installed"
        )
