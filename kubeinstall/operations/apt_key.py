"""The signing key of an apt source, fetched from the source itself."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists
from kubeinstall.facts.packages import Packages
from kubeinstall.operations.commands import Command
from kubeinstall.operations.packages import Wanted, lacking


@operation()
def apt_key_fetched(path: str, url: str, wanted: Wanted) -> Generator[Command]:
    """The source's own key, fresh whenever something is to be installed from there.

    Keys of package sources expire and are renewed in place, so one that was fetched long ago may
    be of no use any more.

    Args:
        path: where apt looks for it (``signed-by``).
        url: ``https://...``; it is fetched by apt's own helper, through apt's proxy if it has one.
        wanted: what will be installed.

    Raises:
        ValueError: the URL is not https.
    """
    if not url.startswith("https://"):
        raise ValueError(f"{url} is not https")
    present = host.get_fact(Packages, names=tuple(name for name, _ in wanted))
    if not lacking(wanted, present) and host.get_fact(Exists, path=path):
        return
    file, link = shlex.quote(path), shlex.quote(url)
    yield Command(
        f"mkdir -p $(dirname {file}) && part=$(mktemp -d) && trap 'rm -rf \"$part\"' EXIT\n"
        f'chown _apt "$part" && /usr/lib/apt/apt-helper download-file {link} "$part/key" >&2 || '
        f"{{ echo 'the signing key could not be fetched from' {link} >&2; exit 1; }}\n"
        f"grep -q 'BEGIN PGP PUBLIC KEY BLOCK' \"$part/key\" || "
        f"{{ echo {link} 'is no OpenPGP public key' >&2; exit 1; }}\n"
        f'install -m 644 "$part/key" {file}'
    )
