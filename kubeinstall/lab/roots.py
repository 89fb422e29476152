"""The root file systems that hosts are layered on: plain Debian, made once, cached.

On Debian they come from the machine's own package sources, elsewhere (Ubuntu) from the Debian
mirror that an environment variable names.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import Progress, Purpose, cache
from kubeinstall.lab.system import run

# What a small server image of Debian has: ssh, sudo and the tools to look around.
_HOST = (
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "openssh-server",
    "procps",
    "sudo",
    "systemd-sysv",
)
# chrony: hosts get their time where they get their packages.
_MIRROR = ("chrony", "docker-registry", "nginx-light")
MIRROR_VARIABLE = "KUBEINSTALL_DEBIAN_MIRROR"
"""URL of a Debian mirror, for machines that are not Debian."""
# What comes from there is checked with Debian's keys, which Ubuntu has in a package of this name.
_SUITE = "bookworm"
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_KEYS_PACKAGE = "debian-archive-keyring"
# Every host gets keys and an identity of its own.
_FORGET = 'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id "$1"/var/lib/dbus/machine-id'


def root(purpose: Purpose, progress: Progress, suite: str | None = None) -> Path:
    """The cached root of a host for that purpose; makes it when missing.

    Args:
        suite: Debian release of nodes; None: this machine's.

    Raises:
        LabError: no Debian package source is known, or the root cannot be made.
    """
    is_mirror = purpose is Purpose.MIRROR
    name = "mirror" if is_mirror else "host"
    packages = (*_HOST, *_MIRROR) if is_mirror else _HOST
    sources = debian_sources()
    if suite and purpose is Purpose.NODE:
        sources = of_suite(sources, suite)
    recipe = "\n".join((*sources, *packages, _FORGET))
    folder = cache() / "roots"
    made = folder / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with _alone(folder):
        if not made.is_dir():
            progress(f"creating a Debian root for {name}s (once, about half a minute)")
            _make(made, sources, packages)
    return made


def debian_sources(
    etc: Path = Path("/etc/apt"), release: Path = Path("/etc/os-release")
) -> tuple[str, ...]:
    """The machine's own Debian sources, as one-line entries of component main.

    On another system they are those of the Debian mirror that the environment names.

    Args:
        etc: apt's folder.
        release: says which distribution this is (os-release(5)).

    Raises:
        LabError: this is a Debian without any, or no Debian, and no mirror is named.
    """
    if not re.search(r"^ID=\"?debian\"?$", release.read_text(), re.MULTILINE):
        return _named_mirror()
    deb822 = etc / "sources.list.d" / "debian.sources"
    one_line = etc / "sources.list"
    entries = _deb822(deb822.read_text()) if deb822.is_file() else []
    if not entries and one_line.is_file():
        found = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s", one_line.read_text(), re.M)
        entries = [f"deb {uri} {suite} main" for uri, suite in found]
    if not entries:
        raise LabError(
            "no Debian package source is set up on this machine",
            why=f"neither {deb822} nor {one_line} contains one",
            next="configure one: the hosts are installed from it",
        )
    return tuple(entries)


def _named_mirror() -> tuple[str, ...]:
    url = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
    if not url:
        raise LabError(
            "the lab's hosts are Debian, and this machine is not",
            why="its own package sources would install another system",
            next=f"set {MIRROR_VARIABLE} to the URL of a Debian mirror",
        )
    return tuple(f"deb {url} {suite} main" for suite in (_SUITE, f"{_SUITE}-updates"))


def of_suite(sources: tuple[str, ...], suite: str) -> tuple[str, ...]:
    """The same sources for another Debian release, with its updates and security."""
    usual = sources[0].split()[2].partition("-")[0]
    return tuple(re.sub(rf" {usual}(?=[ -])", f" {suite}", source) for source in sources)


def _deb822(text: str) -> list[str]:
    entries: list[str] = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(Types|URIs|Suites):\s*(.+)$", stanza, re.MULTILINE))
        if "deb" in fields.get("Types", "").split():
            entries += [
                f"deb {uri} {suite} main"
                for uri in fields.get("URIs", "").split()
                for suite in fields.get("Suites", "").split()
            ]
    return entries


def _make(made: Path, sources: tuple[str, ...], packages: tuple[str, ...]) -> None:
    work = made.with_suffix(".part")
    shutil.rmtree(work, ignore_errors=True)
    foreign = bool(os.environ.get(MIRROR_VARIABLE))
    if foreign and not _KEYS.exists():
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", _KEYS_PACKAGE)
    run(
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--format=directory",
        "--variant=important",
        f"--include={','.join(packages)}",
        f"--customize-hook={_FORGET}",
        *((f"--keyring={_KEYS}",) if foreign else ()),
        sources[0].split()[2],
        work,
        *sources,
    )
    work.rename(made)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make a root in one process at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
