"""The root file systems that hosts are layered on: plain Debian, made once, cached."""

from __future__ import annotations

import fcntl
import hashlib
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
# Every host gets keys and an identity of its own.
_FORGET = 'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id "$1"/var/lib/dbus/machine-id'


def root(purpose: Purpose, progress: Progress) -> Path:
    """The cached root of a host for that purpose; makes it when missing.

    Raises:
        LabError: the machine's own Debian sources are not found, or the root cannot be made.
    """
    is_mirror = purpose is Purpose.MIRROR
    name = "mirror" if is_mirror else "host"
    packages = (*_HOST, *_MIRROR) if is_mirror else _HOST
    sources = debian_sources()
    recipe = "\n".join((*sources, *packages, _FORGET))
    folder = cache() / "roots"
    made = folder / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with _alone(folder):
        if not made.is_dir():
            progress(f"making a Debian root for {name}s (once, about half a minute)")
            _make(made, sources, packages)
    return made


def debian_sources(etc: Path = Path("/etc/apt")) -> tuple[str, ...]:
    """The machine's own Debian sources, as one-line entries of component main.

    Raises:
        LabError: there are none, e.g. because this is not Debian.
    """
    deb822 = etc / "sources.list.d" / "debian.sources"
    one_line = etc / "sources.list"
    entries = _deb822(deb822.read_text()) if deb822.is_file() else []
    if not entries and one_line.is_file():
        found = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s", one_line.read_text(), re.M)
        entries = [f"deb {uri} {suite} main" for uri, suite in found]
    if not entries:
        raise LabError(
            "no Debian package source is set up on this machine",
            why=f"neither {deb822} nor {one_line} names one",
            next="use a Debian machine: the hosts are made from its own package source",
        )
    return tuple(entries)


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
    run(
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--format=directory",
        "--variant=important",
        f"--include={','.join(packages)}",
        f"--customize-hook={_FORGET}",
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
