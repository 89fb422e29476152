"""The root file systems that hosts are layered on: plain Debian, made once, cached."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubeinstall.lab.plan import LabError, cache
from kubeinstall.lab.system import Progress, run

# What a small server image of Debian has: ssh, sudo and the tools to look around.
_HOST = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "openssh-server",
    "procps",
    "sudo",
    "systemd-sysv",
    "wget",
)
_MIRROR = ("docker-registry", "nginx-light")


def host_root(progress: Progress) -> Path:
    """The cached root of a host; makes it when missing.

    Raises:
        LabError: the machine's own Debian sources are not found, or the root cannot be made.
    """
    return _root("host", _HOST, progress)


def mirror_root(progress: Progress) -> Path:
    """The cached root of the mirror host: a host's, with a web server and a registry."""
    return _root("mirror", (*_HOST, *_MIRROR), progress)


def _root(name: str, packages: tuple[str, ...], progress: Progress) -> Path:
    sources = debian_sources()
    recipe = "\n".join((*sources, *packages))
    folder = cache() / "roots"
    root = folder / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with _alone(folder):
        if not root.is_dir():
            progress(f"making the {name} root with mmdebstrap (once, half a minute)")
            work = folder / f"{root.name}.part"
            shutil.rmtree(work, ignore_errors=True)
            include = ",".join(packages)
            suite = sources[0].split()[-2] if len(sources[0].split()) > 3 else "stable"
            run(
                "mmdebstrap",
                "--quiet",
                "--variant=important",
                f"--include={include}",
                suite,
                work,
                *sources,
            )
            work.rename(root)
    return root


def debian_sources(etc: Path = Path("/etc/apt")) -> tuple[str, ...]:
    """The machine's own Debian sources, as one-line entries of component main.

    Raises:
        LabError: there are none, e.g. because this is not Debian.
    """
    entries: list[str] = []
    deb822 = etc / "sources.list.d" / "debian.sources"
    if deb822.is_file():
        for stanza in re.split(r"\n\s*\n", deb822.read_text()):
            fields = dict(re.findall(r"^(Types|URIs|Suites):\s*(.+)$", stanza, re.MULTILINE))
            if "deb" not in fields.get("Types", "").split():
                continue
            entries += [
                f"deb {uri} {suite} main"
                for uri in fields.get("URIs", "").split()
                for suite in fields.get("Suites", "").split()
            ]
    one_line = etc / "sources.list"
    if not entries and one_line.is_file():
        found = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s", one_line.read_text(), re.M)
        entries = [f"deb {uri} {suite} main" for uri, suite in found]
    if not entries:
        raise LabError(
            "no Debian package source is set up on this machine",
            why=f"neither {deb822} nor {one_line} names one",
            next="use a Debian machine: hosts are made from its own package mirror",
        )
    return tuple(entries)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make a root in one process at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
