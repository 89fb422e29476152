"""A package source on the host itself, out of one verified archive."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from pathlib import PurePosixPath

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists
from kubeinstall.operations.commands import Command
from kubeinstall.operations.downloads import Download, brought, unpacked, verification

_WHAT = "the archive of packages"

# Whether the archive holds the packages or a folder of them, they end up in the same place.
_UNPACK = """\
set -e
{verify}
new={folder}.new
rm -rf "$new" && mkdir -p "$new" && cd "$new"
{unpack}
only=$(ls -A)
if [ -d "$only" ]; then mv "$only" .only && mv .only/* . && rm -rf .only; fi
chmod -R a+rX .
{index}
rm -f {part}
rm -rf {folder} && mv -T "$new" {folder}
find {parent} -mindepth 1 -maxdepth 1 ! -path {folder} -exec rm -rf {{}} +"""

# As apt-ftparchive would write it; hosts do not have that.
_DEB_INDEX = r"""find . -name '*.deb' | sort | while read -r deb; do
  dpkg-deb -f "$deb" | grep .
  printf 'Filename: %s\nSize: %s\n' "$deb" "$(stat -c %s "$deb")"
  printf 'SHA256: %s\n\n' "$(sha256sum < "$deb" | cut -d' ' -f1)"
done > Packages
[ -s Packages ] || { echo 'the archive of packages has no .deb in it' >&2; exit 1; }"""

_RPM_INDEX = """\
[ -d repodata ] || createrepo_c -q . || {
  echo 'the archive of packages has no repodata: run createrepo_c on its folder first' >&2
  exit 1
}"""


@operation()
def archive_unpacked(download: Download, folder: str, rpm: bool = False) -> Generator[object]:
    """A folder with the archive's packages and an index of them; other archives' are removed.

    Args:
        download: a tar of .deb files, or of .rpm files with their ``repodata``.
        folder: absolute path, another one for each archive.
        rpm: the host takes .rpm files.

    Raises:
        OperationError: the file on this machine is another one.
    """
    if host.get_fact(Exists, path=folder):
        return
    parent = PurePosixPath(folder).parent
    part = str(parent / "download")
    yield from brought(download, part, _WHAT)
    yield Command(
        _UNPACK.format(
            verify=verification(download, part, _WHAT),
            unpack=unpacked(shlex.quote(part), '"$new"', _WHAT),
            folder=shlex.quote(folder),
            parent=shlex.quote(str(parent)),
            part=shlex.quote(part),
            index=_RPM_INDEX if rpm else _DEB_INDEX,
        )
    )


@operation()
def archives_gone(folder: str) -> Generator[Command]:
    """No unpacked archives.

    Args:
        folder: that they are in.
    """
    if host.get_fact(Exists, path=folder):
        yield Command(f"rm -rf {shlex.quote(folder)}")
