"""The folders that become images' layers, made from Debian's packages."""

from __future__ import annotations

import shutil
from pathlib import Path

from kubeinstall.lab.mirror.apt import Apt
from kubeinstall.lab.mirror.shell import run

PROXY_PACKAGES = ("iptables", "nftables", "conntrack", "ipset", "kmod")
_NEEDLESS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "etc/apt")
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"
_GREETING = "<!doctype html>\n<title>kubeinstall</title>\n<h1>It runs.</h1>\n"


def program_root(program: Path, at: str, folder: Path) -> Path:
    """One program at a path, and a ``/tmp`` to write to."""
    to = folder / at.lstrip("/")
    to.parent.mkdir(parents=True)
    shutil.copyfile(program, to)
    to.chmod(0o755)
    _add_tmp(folder)
    return folder


def libc_root(apt: Apt, folder: Path) -> Path:
    """A C library, for programs that are not static."""
    return _slim(apt.unpack_with_dependencies(("libc6",), folder))


def proxy_root(apt: Apt, folder: Path) -> Path:
    """What kube-proxy calls: iptables over nf_tables, as Debian's hosts have it."""
    root = _slim(apt.unpack_with_dependencies(PROXY_PACKAGES, folder))
    sbin = root / "usr" / "sbin"
    for family in ("iptables", "ip6tables"):
        for verb in ("", "-save", "-restore"):
            # The package leaves these names to update-alternatives, which never ran here.
            (sbin / f"{family}{verb}").unlink(missing_ok=True)
            (sbin / f"{family}{verb}").symlink_to("xtables-nft-multi")
    return root


def busybox_root(apt: Apt, scratch: Path, folder: Path) -> Path:
    """The demo app: busybox under all its names, and a page to serve; it needs a C library.

    The static busybox crashes in whatever looks up a host (wget, nslookup): Debian's C library
    resolves names only where it is loaded at run time.
    """
    busybox = apt.unpack("busybox", scratch) / "bin" / "busybox"
    program_root(busybox, "/bin/busybox", folder)
    for applet in run([busybox, "--list"]).split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    for name, text in {
        "etc/passwd": _USERS,
        "etc/group": _GROUPS,
        "www/index.html": _GREETING,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _slim(root: Path) -> Path:
    for name in _NEEDLESS:
        shutil.rmtree(root / name, ignore_errors=True)
    _add_tmp(root)
    return root


def _add_tmp(root: Path) -> None:
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
