"""The signed rpm repository of a lab's mirror, made of the packages in its apt repository.

It is added to a finished mirror once, from what is in it already, so it never needs the programs.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from kubeinstall.lab.mirror.cache import Cache, publish
from kubeinstall.lab.mirror.model import MirrorTree, Progress
from kubeinstall.lab.mirror.repository import Key
from kubeinstall.lab.mirror.shell import run
from kubeinstall.lab.system import require

RELEASE = "150500.1.1"
"""As the official packages have it."""

_PROGRAMS = {
    "gpg": "gnupg",
    "rpm": "rpm",
    "rpmbuild": "rpm",
    "createrepo_c": "createrepo-c",
}
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
_NAMES = {"iproute2": "iproute", "libc6": "glibc", "mount": "util-linux"}
_SPEC = """\
Name: {name}
Version: {version}
Release: {release}
Summary: {summary}
License: Apache-2.0
URL: https://kubernetes.io
AutoReqProv: no
{requires}

%description
{summary}

%install
cp -a {root}/. %{{buildroot}}

%post
[ ! -d /run/systemd/system ] || systemctl daemon-reload || :

%files
{files}
"""
# Nothing is done to the programs: they are as large as they are many.
_MACROS = {
    "__os_install_post": "%{nil}",
    "_build_id_links": "none",
    "debug_package": "%{nil}",
    "_binary_payload": "w1.gzdio",
}


@dataclass(frozen=True)
class Rpm:
    """One package to make.

    Args:
        root: its files, as they are to be on a host.
        requires: what it needs, in rpm's words.
    """

    name: str
    version: str
    summary: str
    root: Path
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()

    def build(self, scratch: Path, to: Path, architecture: str) -> None:
        """Make the ``.rpm`` in a folder.

        Args:
            architecture: Debian's name of it.

        Raises:
            MirrorError: rpmbuild does not.
        """
        spec = scratch / f"{self.name}.spec"
        needs = [f"Requires: {one}" for one in self.requires]
        needs += [f"Provides: {one}" for one in self.provides]
        spec.write_text(
            _SPEC.format(
                name=self.name,
                version=self.version,
                release=RELEASE,
                summary=self.summary,
                requires="\n".join(needs),
                root=self.root,
                files="\n".join(listed(self.root)),
            )
        )
        settings = {**_MACROS, "_topdir": scratch / "rpmbuild", "_rpmdir": to}
        settings["_build_name_fmt"] = "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"
        options = [word for key, value in settings.items() for word in ("-D", f"{key} {value}")]
        target = _ARCHITECTURES.get(architecture, architecture)
        run(["rpmbuild", "-bb", "--quiet", "--target", target, *options, spec])


def ensure(tree: MirrorTree, progress: Progress) -> None:
    """Add the rpm repository to a finished mirror, unless it is there as it would be made now.

    Raises:
        MirrorError: it cannot be made.
        LabError: tools are missing and cannot be installed.
    """
    cache = Cache.from_environment()
    debs = tree.apt / tree.repository
    folder = debs.with_name("rpm")
    with cache.locked(progress):
        # Signed by this machine's key, and shaped by this code.
        recipe = sha256((debs / "Release.key").read_bytes() + Path(__file__).read_bytes())
        made_by = folder / "recipe"
        if made_by.is_file() and made_by.read_text() == recipe.hexdigest():
            return
        require(progress, _PROGRAMS)
        progress("creating the mirror's rpm repository")
        with cache.scratch() as scratch:
            made = scratch / "rpm"
            made.mkdir()
            for deb in sorted(debs.glob("*.deb")):
                convert(deb, scratch / deb.stem, made)
            index(made, cache.signing)
            (made / made_by.name).write_text(recipe.hexdigest())
            publish(made, folder)


def convert(deb: Path, scratch: Path, to: Path) -> None:
    """Make an ``.rpm`` with the files of a ``.deb``."""
    root = scratch / "root"
    scratch.mkdir()
    run(["dpkg-deb", "--extract", deb, root])
    form = "${Package}\n${Version}\n${Architecture}\n${Depends}\n${Description}\n"
    said = run(["dpkg-deb", "--show", f"--showformat={form}", deb])
    name, version, architecture, depends, summary, *_ = said.splitlines()
    moved(root)
    upstream = version.rpartition("-")[0]
    requires = tuple(requirement(one.strip()) for one in depends.split(",") if one.strip())
    Rpm(name, upstream, summary, root, requires).build(scratch, to, architecture)
    shutil.rmtree(scratch)


def index(folder: Path, home: Path) -> None:
    """Sign the packages in a folder, write an index over them, and sign that.

    Args:
        home: GNUPGHOME of the signing key; it is made if there is none.
    """
    key = Key(home)
    gpg = ("gpg", "--homedir", home, "--batch", "--yes", "--quiet", "--armor")
    try:
        fingerprint = key.ensure()
        settings = {"__gpg": shutil.which("gpg"), "_gpg_name": fingerprint, "_gpg_path": home}
        options = [word for name, value in settings.items() for word in ("-D", f"{name} {value}")]
        run(["rpmsign", "--addsign", *options, *sorted(folder.glob("*.rpm"))])
        run(["createrepo_c", "--quiet", folder])
        metadata = folder / "repodata" / "repomd.xml"
        run([*gpg, "--local-user", fingerprint, "--detach-sign", metadata])
        metadata.with_name("repomd.xml.key").write_text(key.public(fingerprint))
    finally:
        key.close()


def moved(root: Path) -> None:
    """Move files to where a system with rpm looks for them."""
    for old, new in {"lib": "usr/lib", "etc/default": "etc/sysconfig"}.items():
        if (root / old).is_dir():
            shutil.copytree(root / old, root / new, dirs_exist_ok=True)
            shutil.rmtree(root / old)
    for drop_in in root.glob("usr/lib/systemd/system/*.d/*.conf"):
        text = drop_in.read_text(encoding="utf-8")
        drop_in.write_text(text.replace("/etc/default/", "/etc/sysconfig/"), encoding="utf-8")


def requirement(depends: str) -> str:
    """One of Debian's dependencies in rpm's words: ``iptables (>= 1.4.21)``."""
    name, _, version = depends.partition(" ")
    return f"{_NAMES.get(name, name)} {re.sub(r'[()]', '', version)}".strip()


def listed(root: Path) -> list[str]:
    """The lines of %files: what is configuration is kept when it was changed."""
    paths = sorted(path for path in root.rglob("*") if not path.is_dir())
    names = [f"/{path.relative_to(root)}" for path in paths]
    return [f"%config(noreplace) {name}" if name.startswith("/etc/") else name for name in names]
