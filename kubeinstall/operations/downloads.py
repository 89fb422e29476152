"""Files brought to a host, of which nothing is used before its checksum was verified."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from threading import Lock

from pyinfra.api.command import FileUploadCommand
from pyinfra.api.exceptions import OperationError

from kubeinstall.facts.proxy import THROUGH_PROXY, redirected
from kubeinstall.operations.commands import Command

# The address goes to curl's standard input: it may hold a token, and every user sees arguments.
_FETCH = """\
{proxy}
curl -fsSL --proto-redir {redirects} --retry 2 --connect-timeout 20 -o {part} -K - || {{
  echo {what} 'could not be downloaded' >&2; rm -f {part}; exit 1; }}"""

_VERIFY = """\
has=$(sha256sum < {part} | cut -d' ' -f1)
if [ "$has" != {wanted} ]; then
  rm -f {part}
  echo {what}": the file's SHA-256 is $has, not "{wanted}': nothing was installed' >&2
  exit 1
fi"""


# GNU tar takes ".." and a leading "/" off names by itself. Hard links it makes are inside too.
_UNPACK = """\
tar -xf {part} -C {folder} --no-same-owner --no-same-permissions
real=$(readlink -f {folder})
odd=$(find "$real" ! -type f ! -type d ! -type l | head -n 1)
[ -z "$odd" ] || {{ echo {what}" has a device or special file: ${{odd#"$real/"}}" >&2; exit 1; }}
find "$real" -type l | while IFS= read -r link; do
  case $(readlink -m "$link") in
    "$real"/*) ;;
    *) echo {what}" has a link that leads outside it: ${{link#"$real/"}}" >&2; exit 1 ;;
  esac
done"""


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


def brought(download: Download, part: str, what: str) -> Generator[object]:
    """The commands that bring a file to the host, which has curl if that is to fetch it.

    Args:
        part: where it is then; whoever uses it has to begin with ``verification`` of it.
        what: what it is, for messages.

    Raises:
        OperationError: the file on this machine is another one.
    """
    folder = shlex.quote(str(PurePosixPath(part).parent))
    if download.path:
        _verify_here(download)
        yield Command(f"mkdir -p {folder}")
        yield FileUploadCommand(download.path, part)
    else:
        fetch = _FETCH.format(
            proxy=THROUGH_PROXY,
            redirects=redirected(download.url),
            part=shlex.quote(part),
            what=shlex.quote(what),
        )
        yield Command(f"mkdir -p {folder}\n{fetch}", stdin=f'url = "{download.url}"\n')


def verification(download: Download, part: str, what: str) -> str:
    """Shell that ends with an error unless the file that was brought is the one expected."""
    return _VERIFY.format(
        part=shlex.quote(part), wanted=shlex.quote(download.sha256), what=shlex.quote(what)
    )


def unpacked(part: str, folder: str, what: str) -> str:
    """Shell that unpacks an archive; it ends with an error where something leads out of the folder.

    Every archive on a host is unpacked by it. It needs ``set -e``.

    Args:
        part: the archive, quoted for the shell.
        folder: an empty folder that is there, quoted for the shell.
        what: what it is, for messages.
    """
    return _UNPACK.format(part=part, folder=folder, what=shlex.quote(what))


def functions(download: Download, part: str, what: str) -> str:
    """Shell functions for a script with ``set -e``: ``verified``, and ``unpacked`` to ``$new``.

    Args:
        part: where the file is.
        what: what it is, for messages.
    """
    unpack = unpacked(shlex.quote(part), '"$new"', what)
    return f"verified() {{\n{verification(download, part, what)}\n}}\nunpacked() {{\n{unpack}\n}}"


def _verify_here(download: Download) -> None:
    """Before many megabytes travel for nothing."""
    try:
        stat = Path(download.path).stat()
        with _HASHING:
            found = _sha256(download.path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise OperationError(f"{download.path}: {error.strerror or error}") from error
    if found != download.sha256:
        raise OperationError(
            f"{download.path}: its SHA-256 is {found}, not {download.sha256}: it was not installed"
        )


@lru_cache
def _sha256(path: str, _changed: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_HASHING = Lock()
"""One host's thread reads the file, the others wait for what it found."""
