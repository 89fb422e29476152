"""Kubernetes' programs from Debian's source package.

Debian builds only the client; the source is whole. It is built as debian/rules does, with the
version that upstream's own release would carry.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror.apt import Apt, require
from kubeinstall.lab.mirror.cache import Cache, publish, require_space
from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.model import Progress
from kubeinstall.lab.mirror.names import upstream_of
from kubeinstall.lab.mirror.programs import REQUIRED, Programs
from kubeinstall.lab.mirror.shell import Long, run
from kubeinstall.releases import Version

SOURCE = "kubernetes"
KNOWN_MINOR = (1, 20)
TOOLS = (
    "dpkg-dev",
    "gcc",
    "golang-1.19-go",
    "golang-github-modern-go-reflect2-dev",
    "libc6-dev",
    "make",
    "rsync",
)
_GO = Path("/usr/lib/go-1.19/bin")
_REFLECT2 = Path("github.com/modern-go/reflect2")
_DEBIAN_GO_SOURCES = Path("/usr/share/gocode/src")
_SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOPROXY": "off"}
_CPU_SECONDS = 720
_GIBIBYTES = 6


@dataclass(frozen=True)
class SourcePackage:
    """Debian's source package of Kubernetes.

    Args:
        version: Debian's version, ``1.20.5+really1.20.2-1.1+deb12u1``.
    """

    version: str

    @property
    def kubernetes(self) -> str:
        """The version of Kubernetes in it."""
        return upstream_of(self.version)

    @property
    def recipe(self) -> str:
        """A hash of all that decides what comes out of a build."""
        settings = (f"{name}={value}" for name, value in _SETTINGS.items())
        parts = (self.version, version_file(self.kubernetes), *make_words(), *settings, *TOOLS)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def check(self) -> None:
        """Refuse a source whose build is not known.

        Raises:
            MirrorError: another minor than the one this recipe was made for.
        """
        version = Version.parse(self.kubernetes)
        if (version.major, version.minor) != KNOWN_MINOR:
            raise MirrorError(
                f"Debian's source here is Kubernetes {self.kubernetes}",
                why="only 1.20, the version in Debian 12, can be built",
                next="use Debian 12, or pass the programs with --from-binaries",
            )


def programs(cache: Cache, apt: Apt, source: SourcePackage, progress: Progress) -> Programs:
    """The programs of a source package, from the cache or built now."""
    kept = cache.programs / f"{source.version}-{source.recipe}"
    if not kept.is_dir():
        source.check()
        require(TOOLS, progress)
        require_space(cache.base, _GIBIBYTES)
        with cache.scratch() as scratch:
            publish(_build(cache, apt, source, scratch, progress), kept)
    return Programs(kept, source.kubernetes)


def version_file(kubernetes: str) -> str:
    """What Kubernetes' build reads instead of asking git."""
    version = Version.parse(kubernetes)
    values = {
        "KUBE_GIT_COMMIT": "debian",
        "KUBE_GIT_TREE_STATE": "archive",
        "KUBE_GIT_VERSION": f"v{version}",
        "KUBE_GIT_MAJOR": str(version.major),
        "KUBE_GIT_MINOR": str(version.minor),
    }
    return "".join(f"{name}='{value}'\n" for name, value in values.items())


def make_words() -> tuple[str, ...]:
    """The build's command."""
    return ("make", "WHAT=" + " ".join(f"cmd/{name}" for name in REQUIRED))


def _build(
    cache: Cache, apt: Apt, source: SourcePackage, scratch: Path, progress: Progress
) -> Path:
    progress(f"downloading Debian's source of Kubernetes {source.kubernetes}")
    dsc = apt.download_source(SOURCE, source.version, cache.sources)
    progress("unpacking the source")
    tree = scratch / "src"
    run(["dpkg-source", "--no-check", "-x", dsc, tree])
    _replace_reflect2(tree)
    expected = _CPU_SECONDS / (os.cpu_count() or 1)
    minutes = max(1, round(expected / 60))
    progress(
        f"building Kubernetes {source.kubernetes}, which takes about {minutes} min on this machine"
    )
    Long(make_words(), "building", expected).run(
        cache.log("build"), progress, cwd=_go_path(tree), env=_environment(scratch, tree, source)
    )
    return _collect(tree, scratch / "bin")


def _replace_reflect2(tree: Path) -> None:
    """The vendored reflect2 1.0.1 crashes under Go 1.18 and later; Debian's 1.0.2 does not."""
    vendored = tree / "vendor" / _REFLECT2
    shutil.rmtree(vendored)
    shutil.copytree(_DEBIAN_GO_SOURCES / _REFLECT2, vendored)


def _go_path(tree: Path) -> Path:
    link = tree / ".go" / "src" / "k8s.io" / "kubernetes"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../..")
    return link


def _environment(scratch: Path, tree: Path, source: SourcePackage) -> dict[str, str]:
    described = scratch / "version"
    described.write_text(version_file(source.kubernetes))
    home = scratch / "home"
    home.mkdir()
    return {
        **_SETTINGS,
        "GOPATH": str(tree / ".go"),
        "HOME": str(home),
        "KUBE_GIT_VERSION_FILE": str(described),
        "PATH": f"{_GO}:{os.environ.get('PATH', os.defpath)}",
    }


def _collect(tree: Path, to: Path) -> Path:
    to.mkdir()
    built = (tree / "_output" / "bin").resolve()
    for name in REQUIRED:
        shutil.copy2(built / name, to / name)
    return to
