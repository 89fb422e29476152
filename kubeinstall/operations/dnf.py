"""RPM packages: installed in the version wanted, and kept there; dnf 4 and dnf 5."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from fnmatch import fnmatchcase

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.dnf import (
    RpmAvailable,
    RpmKeyImported,
    RpmPackages,
    query,
    relying_on,
    without_epoch_0,
)
from kubeinstall.operations.commands import Command
from kubeinstall.operations.packages import Wanted, lacking, unknown
from kubeinstall.resources import script

# A lock looks at installed packages only, so no repository has to be read for it.
_VERSIONLOCK = "LC_ALL=C dnf -q --disablerepo='*' versionlock"


@operation()
def installed(wanted: Wanted, held: bool = False, repository: str = "") -> Generator[Command]:
    """Packages, in exactly the version wanted where one is given, newer or older.

    Metadata of repositories is read again only when it does not have what is wanted, or when
    installing with it fails.

    Args:
        wanted: names and versions, e.g. ``(("kubelet", "1.36.2-*"), ("socat", ""))``; a version is
            rpm's version and release, its epoch may be left out.
        held: lock dnf to these versions; unlocked only by hand.
        repository: id of the repository they come from, if it excludes them by itself.
    """
    names = tuple(name for name, _ in wanted)
    present = host.get_fact(RpmPackages, names=names)
    missing = lacking(wanted, present, matches)
    if missing:
        asked = tuple(name for name, _ in missing)
        available = host.get_fact(RpmAvailable, names=asked, repository=repository)
        refresh = bool(unknown(missing, available, matches))
        yield Command(_install(missing, repository, refresh, relock=_lock(names) if held else ":"))
    if held and (missing or not all(present[name].held for name in names)):
        yield Command(_lock(names))


@operation()
def removed(names: tuple[str, ...]) -> Generator[Command]:
    """None of these packages, locked or not; what they needed stays."""
    present = sorted(set(names) & host.get_fact(RpmPackages, names=names).keys())
    if present:
        listed = " ".join(map(shlex.quote, present))
        yield Command(f"{_VERSIONLOCK} delete {listed} >/dev/null 2>&1 || true")
        keep = "--setopt=clean_requirements_on_remove=False"
        yield Command(f"LC_ALL=C dnf -q -y {keep} remove {listed}")


@operation()
def key_imported(path: str) -> Generator[Command]:
    """A signing key that rpm trusts, as it is in the file now.

    Keys are renewed in place, and rpm ignores one whose id it knows: the old one goes first.

    Args:
        path: of the ASCII-armored key.
    """
    key = host.get_fact(RpmKeyImported, path=path)
    if not key.imported:
        old = " ".join(f"gpg-pubkey-{one}" for one in key.ids)
        drop = f"rpm -e --allmatches {old} 2>/dev/null; " if old else ""
        yield Command(f"{drop}rpm --import {shlex.quote(path)}")


def matches(version: str, pattern: str) -> bool:
    forms = (without_epoch_0(version), version.partition(":")[2])
    return not pattern or any(fnmatchcase(form, without_epoch_0(pattern)) for form in forms)


def _install(missing: Wanted, repository: str, refresh: bool, relock: str) -> str:
    """The shell script that installs, or says which versions there are instead.

    Args:
        relock: run when it fails, as the locks to other versions had to go first.
    """
    specs = " ".join(shlex.quote(f"{n}-{v}" if v else n) for n, v in missing)
    exact = " ".join(shlex.quote(name) for name, version in missing if version)
    unlock = f"{_VERSIONLOCK} delete {exact} >/dev/null 2>&1" if exact else ":"
    dnf = f"LC_ALL=C dnf -q -y{relying_on(repository)}"
    tells = "\n".join(f"tell {shlex.quote(n)} {shlex.quote(v)}" for n, v in missing)
    return f"""\
query() {{ {query(repository)} "$@"; }}
{script("packages/dnf")}
{unlock}
{dnf}{" --refresh" if refresh else ""} install --allowerasing {specs} && exit 0
echo 'installing failed; once more with fresh metadata' >&2
dnf -q clean metadata >&2
{dnf} install --allowerasing {specs} && exit 0
{tells}
( {relock} )
exit 100"""


def _lock(names: tuple[str, ...]) -> str:
    """The shell script that locks packages to what is installed; dnf 4 may need its plugin."""
    specs = " ".join(map(shlex.quote, names))
    return (
        "dnf versionlock --help >/dev/null 2>&1 || "
        "LC_ALL=C dnf -q -y install 'dnf-command(versionlock)' || exit\n"
        f"{_VERSIONLOCK} delete {specs} >/dev/null 2>&1\n"
        f"{_VERSIONLOCK} add {specs} >/dev/null"
    )
