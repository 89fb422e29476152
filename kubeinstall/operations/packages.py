"""Debian packages: installed in the version wanted, and kept there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Generator, Mapping
from fnmatch import fnmatchcase

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.packages import Available, Interrupted, Packages, PackageState
from kubeinstall.operations.commands import Command
from kubeinstall.resources import script

LOCK_TIMEOUT = 300
"""Seconds to wait for another program, such as unattended-upgrades, to be done with apt."""
_TIMEOUT = LOCK_TIMEOUT + 900

_ENVIRONMENT = "LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l"
_DPKG = "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
_APT = f"{_ENVIRONMENT} apt-get -q -y -o DPkg::Lock::Timeout=60 {_DPKG}"

_FREE = script("packages/apt", limit=LOCK_TIMEOUT) + "\n"

# A source of the user's that fails is no reason to stop: what is wanted may come from another.
# Descriptions of packages are not needed; those that are there stay.
_NO_DESCRIPTIONS = "-o Acquire::Languages=none -o APT::Get::List-Cleanup=false"
_UPDATE = f"quietly env {_APT} {_NO_DESCRIPTIONS} update || true"

Wanted = tuple[tuple[str, str], ...]
"""Names, each with a version as apt takes it (``*`` stands for anything) or an empty string."""


Matches = Callable[[str, str], bool]
"""Whether a version fits a pattern; apt and dnf compare in their own ways."""


def matches(version: str, pattern: str) -> bool:
    """Whether a version fits a pattern of apt's; an empty one fits all."""
    return not pattern or fnmatchcase(version, pattern)


def lacking(wanted: Wanted, present: Mapping[str, PackageState], fits: Matches = matches) -> Wanted:
    """What is not installed, or in another version."""
    return tuple(
        (name, version)
        for name, version in wanted
        if name not in present or not fits(present[name].version, version)
    )


def unknown(
    wanted: Wanted, available: Mapping[str, tuple[str, ...]], fits: Matches = matches
) -> Wanted:
    """What no package source has, as far as the package manager knows by now."""
    return tuple(
        (name, version)
        for name, version in wanted
        if not any(fits(one, version) for one in available.get(name, ()))
    )


@operation()
def installed(
    wanted: Wanted,
    held: bool = False,
    instead_of: tuple[str, ...] = (),
    along: Wanted = (),
) -> Generator[Command]:
    """Packages, in exactly the version wanted where one is given.

    The lists of packages are read again only when they do not have what is wanted, or what they
    have can no longer be fetched.

    Args:
        wanted: names and versions, e.g. ``(("kubelet", "1.36.2-*"), ("socat", ""))``.
        held: keep them from being upgraded by anything but this; unheld only by hand.
        instead_of: installed packages that exclude them; apt does not dare to remove them itself.
        along: what others will install later, taken along if anything is installed here. Nothing of
            that transaction is started, and where it fails only what is wanted here is installed.
    """
    names = tuple(name for name, _ in wanted)
    present = host.get_fact(Packages, names=(*names, *(name for name, _ in along)))
    missing = lacking(wanted, present)
    if missing:
        if host.get_fact(Interrupted):
            finish = f"quietly env {_ENVIRONMENT} dpkg {_confold()} --configure -a"
            yield Command(f"{_FREE}{finish}", stream=True, _timeout=_TIMEOUT)
        along = lacking(along, present)
        asked = (*missing, *along)
        available = host.get_fact(Available, names=tuple(name for name, _ in asked))
        if unknown(asked, available):
            yield Command(f"{_FREE}{_UPDATE}", stream=True, _timeout=_TIMEOUT)
        yield Command(_install(missing, instead_of, along), stream=True, _timeout=_TIMEOUT)
    if held and (missing or not all(present[name].held for name in names)):
        yield Command(f"apt-mark hold {' '.join(map(shlex.quote, names))} >/dev/null")


@operation()
def removed(names: tuple[str, ...]) -> Generator[Command]:
    """None of these packages, held or not, and none of their configuration."""
    present = host.get_fact(Packages, names=names)
    if present:
        listed = " ".join(map(shlex.quote, sorted(present)))
        yield Command(f"apt-mark unhold -q {listed}")
        yield Command(f"{_FREE}quietly env {_APT} purge {listed}", stream=True, _timeout=_TIMEOUT)


def _confold() -> str:
    return "--force-confdef --force-confold"


def _install(missing: Wanted, instead_of: tuple[str, ...], along: Wanted = ()) -> str:
    """The shell script that installs, or says which versions there are instead."""
    checks = "\n".join(f"need {shlex.quote(n)} {_grep(v)}" for n, v in missing)
    specs = " ".join([*_specs(missing), *(shlex.quote(f"{name}-") for name in instead_of)])
    # A version that was upgraded by hand goes back: only what is named in one is downgraded.
    allowed = "--allow-change-held-packages --allow-downgrades"
    install = f"{_APT} install --no-install-recommends {allowed} {specs}"
    apt = f"quietly env {install}"
    more = _along(f"{install} {' '.join(_specs(along))}") if along else ""
    return f"""\
{_FREE}{checks}
{more}{apt} && exit 0
echo 'installing failed; trying again with fresh package lists' >&2
{_UPDATE}
{apt}"""


def _specs(wanted: Wanted) -> list[str]:
    return [shlex.quote(f"{name}={version}" if version else name) for name, version in wanted]


def _along(install: str) -> str:
    """The part of the script that takes others' packages along, and ends it if that succeeds.

    A service is started once, by who configures it. $SYSTEMD_OFFLINE is systemd's own variable for
    that (ENVIRONMENT.md): systemctl enables units, and leaves the running system alone.
    """
    return f"""\
quietly env SYSTEMD_OFFLINE=1 {install} && {{ systemctl daemon-reload; exit; }}
echo 'packages of later phases cannot be installed at the same time; installing without them' >&2
"""


def _grep(version: str) -> str:
    """A pattern and what to call it, for ``need``."""
    plain = re.sub(r"([.+?^$(){}|\\\[\]])", r"\\\1", version)
    pattern = plain.replace("*", ".*") if version else ".+"
    return f"{shlex.quote(pattern)} {shlex.quote(f' {version}' if version else '')}"
