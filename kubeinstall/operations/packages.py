"""Debian packages: installed in the version wanted, and kept there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator
from fnmatch import fnmatchcase

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.packages import Available, Interrupted, Packages, PackageState
from kubeinstall.operations.commands import Command

LOCK_TIMEOUT = 300
"""Seconds to wait for another program, such as unattended-upgrades, to be done with apt."""

_ENVIRONMENT = "LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l"
_DPKG = "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
_APT = f"{_ENVIRONMENT} apt-get -q -y -o DPkg::Lock::Timeout={LOCK_TIMEOUT} {_DPKG}"

# apt waits for dpkg's lock by itself, for that of the lists it does not. A source of the user's
# that fails is no reason to stop: what is wanted may come from another.
_UPDATE = f"""\
waited=0
until said=$({_APT} update 2>&1); do
  case $said in *"Could not get lock"*) ;; *) break ;; esac
  [ $waited -lt {LOCK_TIMEOUT} ] || break
  sleep 3; waited=$((waited + 3))
done
printf '%s\\n' "$said" | tail -n 20"""

Wanted = tuple[tuple[str, str], ...]
"""Names, each with a version as apt takes it (``*`` stands for anything) or an empty string."""


def lacking(wanted: Wanted, present: dict[str, PackageState]) -> Wanted:
    """What is not installed, or in another version."""
    return tuple(
        (name, version)
        for name, version in wanted
        if name not in present or not _matches(present[name].version, version)
    )


def unknown(wanted: Wanted, available: dict[str, tuple[str, ...]]) -> Wanted:
    """What no package source has, as far as apt knows by now."""
    return tuple(
        (name, version)
        for name, version in wanted
        if not any(_matches(one, version) for one in available.get(name, ()))
    )


@operation()
def installed(
    wanted: Wanted, held: bool = False, instead_of: tuple[str, ...] = ()
) -> Generator[Command]:
    """Packages, in exactly the version wanted where one is given.

    The lists of packages are read again only when they do not have what is wanted, or what they
    have can no longer be fetched.

    Args:
        wanted: names and versions, e.g. ``(("kubelet", "1.36.2-*"), ("socat", ""))``.
        held: keep them from being upgraded by anything but this; unheld only by hand.
        instead_of: installed packages that exclude them; apt does not dare to remove them itself.
    """
    names = tuple(name for name, _ in wanted)
    present = host.get_fact(Packages, names=names)
    missing = lacking(wanted, present)
    if missing:
        if host.get_fact(Interrupted):
            yield Command(f"{_ENVIRONMENT} dpkg {_confold()} --configure -a")
        available = host.get_fact(Available, names=tuple(name for name, _ in missing))
        if unknown(missing, available):
            yield Command(_UPDATE)
        yield Command(_install(missing, instead_of))
    if held and (missing or not all(present[name].held for name in names)):
        yield Command(f"apt-mark hold {' '.join(map(shlex.quote, names))} >/dev/null")


@operation()
def removed(names: tuple[str, ...]) -> Generator[Command]:
    """None of these packages, held or not, and none of their configuration."""
    present = host.get_fact(Packages, names=names)
    if present:
        listed = " ".join(map(shlex.quote, sorted(present)))
        yield Command(f"apt-mark unhold -q {listed}")
        yield Command(f"{_APT} purge {listed}")


def _matches(version: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(version, pattern)


def _confold() -> str:
    return "--force-confdef --force-confold"


def _install(missing: Wanted, instead_of: tuple[str, ...]) -> str:
    """The shell script that installs, or says which versions there are instead."""
    checks = "\n".join(f"need {shlex.quote(n)} {_grep(v)}" for n, v in missing)
    asked = [f"{n}={v}" if v else n for n, v in missing]
    specs = " ".join(map(shlex.quote, (*asked, *(f"{name}-" for name in instead_of))))
    # A version that was upgraded by hand goes back: only what is named in one is downgraded.
    allowed = "--allow-change-held-packages --allow-downgrades"
    apt = f"{_APT} install --no-install-recommends {allowed} {specs}"
    return f"""\
need() {{
  has=$(apt-cache madison "$1" 2>/dev/null | cut -d'|' -f2 | tr -d ' ' | sort -uVr)
  printf '%s\\n' "$has" | grep -Eqx -e "$2" && return
  echo "package $1$3 is in none of this host's package sources; they have:" \\
    "$(printf '%s\\n' "${{has:-none at all}}" | head -n 20 | paste -sd' ')" >&2
  exit 100
}}
{checks}
{apt} && exit 0
echo 'installing failed; once more with fresh package lists' >&2
{_UPDATE}
{apt}"""


def _grep(version: str) -> str:
    """A pattern and what to call it, for ``need``."""
    plain = re.sub(r"([.+?^$(){}|\\\[\]])", r"\\\1", version)
    pattern = plain.replace("*", ".*") if version else ".+"
    return f"{shlex.quote(pattern)} {shlex.quote(f' {version}' if version else '')}"
