"""The signing key of a package source, fetched from the source itself and kept fresh."""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator

from pyinfra.api.exceptions import OperationError, OperationValueError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import FileState
from kubeinstall.facts.packages import Packages, PackageState
from kubeinstall.facts.signing_keys import KeyFile, SigningKeys, SourceKeys
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.operations.packages import Wanted, lacking

REFRESH_DAYS = 30
"""How long before it expires a key is fetched again."""

_DAY = 24 * 3600


@operation()
def signing_key_fetched(
    path: str,
    url: str,
    wanted: Wanted,
    fingerprints: tuple[str, ...] = (),
    packages: type[FactBase[dict[str, PackageState]]] = Packages,
) -> Generator[Command]:
    """The source's own key: fetched when there is none, when it will expire, or before installing.

    Keys of package sources expire and are renewed in place: the same key with a later end is
    taken. Another key is not, unless it is named.

    Args:
        path: where the package manager looks for it.
        url: ``https://...``; it is fetched through the package manager's proxy if it has one.
        wanted: what will be installed from there.
        fingerprints: of the keys to trust; empty: the one that is on the host, and the source's
            word where there is none.
        packages: the fact that tells which packages are installed.

    Raises:
        OperationValueError: the URL is not https.
        OperationError: the source's key is another one.
    """
    if not url.startswith("https://"):
        raise OperationValueError(f"{url} is not https")
    old = host.get_fact(KeyFile, path=path)
    named = frozenset(fingerprint.upper() for fingerprint in fingerprints)
    present = host.get_fact(packages, names=tuple(name for name, _ in wanted))
    if old and not due(old, time.time(), named) and not lacking(wanted, present):
        return
    offered = host.get_fact(SourceKeys, url=url)
    if offered.keys is None:
        # In a plan there may be no certificate authorities yet. A key that is good can wait.
        if not old or due(old, time.time() - REFRESH_DAYS * _DAY, named):
            why = f"the signing key could not be downloaded from {url}: {offered.why}"
            yield Command(f"echo {shlex.quote(why)} >&2; exit 1")
        return
    trusted = named or (old.fingerprints if old else offered.keys.fingerprints)
    if not offered.keys.fingerprints <= trusted:
        raise OperationError(
            f"the signing key at {url} is {_listed(offered.keys.fingerprints)}, not "
            f"{_listed(trusted)} as {'in the inventory' if named else f'in {path}'}"
        )
    if not old or old.text != offered.keys.text:
        before = FileState("644", old.text.encode()) if old else None
        yield WriteFile(path, offered.keys.text, "644", holds=Holds.PUBLIC, old=before)


def due(keys: SigningKeys, now: float, named: frozenset[str] = frozenset()) -> bool:
    """Whether keys must be fetched again: they end soon, or others than these are named.

    Args:
        now: seconds since 1970.
        named: fingerprints to trust; empty: whatever there is.
    """
    if named and not keys.fingerprints <= named:
        return True
    return keys.expires is not None and keys.expires - now < REFRESH_DAYS * _DAY


def _listed(fingerprints: frozenset[str]) -> str:
    return " and ".join(sorted(fingerprints))
