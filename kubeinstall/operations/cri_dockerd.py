"""cri-dockerd: installed from an archive or a package, after its checksum was verified."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.cri_dockerd import CriDockerd
from kubeinstall.operations.commands import Command
from kubeinstall.operations.downloads import Download, brought, unpacked, verification
from kubeinstall.operations.packages import LOCK_TIMEOUT

FOLDER = "/usr/local/lib/cri-dockerd"
RECORD = f"{FOLDER}/installed"
_PART = f"{FOLDER}/download"

_UNPACK = f"""\
rm -rf {FOLDER}/unpacked && mkdir {FOLDER}/unpacked
{unpacked(_PART, f"{FOLDER}/unpacked", "cri-dockerd")}
found=$(find {FOLDER}/unpacked -type f -name cri-dockerd | head -n 1)
[ -n "$found" ] || {{ echo 'the archive does not contain cri-dockerd' >&2; exit 1; }}
install -m 755 "$found" "$program.part" && mv -f "$program.part" "$program"
rm -rf {FOLDER}/unpacked
"""

_DEB = f"""\
mv -f {_PART} {FOLDER}/package.deb
DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y \\
  -o DPkg::Lock::Timeout={LOCK_TIMEOUT} install \\
  --no-install-recommends --allow-downgrades --reinstall {FOLDER}/package.deb
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
            f"kubeinstall has no cri-dockerd for {state.machine}: set cluster.runtime.cri_dockerd"
        )
    if state.source == download.sha256 and state.intact:
        return
    yield from brought(download, _PART, "cri-dockerd")
    steps = {".deb": _DEB, ".rpm": _RPM}.get(download.name[-4:], _UNPACK)
    settings = f"wanted={shlex.quote(download.sha256)}\nprogram={shlex.quote(program)}"
    verify = verification(download, _PART, "cri-dockerd")
    yield Command(f"set -e\n{verify}\n{settings}\n{steps}{_RECORD}")
