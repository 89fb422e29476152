"""From a folder of programs to a finished tree."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror import build, repository
from kubeinstall.lab.mirror.apt import Apt, architecture, require
from kubeinstall.lab.mirror.cache import Cache, finished, publish, require_space
from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.images import Workshop
from kubeinstall.lab.mirror.model import Manifest, MirrorTree, Progress, repository_path
from kubeinstall.lab.mirror.names import upstream_of
from kubeinstall.lab.mirror.packages import packages
from kubeinstall.lab.mirror.programs import Programs
from kubeinstall.lab.mirror.shell import elapsed
from kubeinstall.releases import Version

TOOLS = ("apt-utils", "gcc", "gnupg", "libc6-dev", "skopeo")
_CNI = "containernetworking-plugins"
_GIBIBYTES = 4


def from_debian_source(progress: Progress) -> MirrorTree:
    """The mirror of the Kubernetes in Debian's source package; built once, then kept."""
    cache = Cache.from_environment()
    with cache.locked(progress):
        apt = Apt(cache.apt)
        apt.update(progress)
        source = build.SourcePackage(apt.source_version(build.SOURCE))
        tree = cache.tree(source.kubernetes, "debian", _key(source.recipe))

        def programs() -> Programs:
            return build.programs(cache, apt, source, progress)

        return _Assembly(cache, apt, tree, "debian", progress).finish(programs)


def from_binaries(folder: Path, kubernetes: str, progress: Progress) -> MirrorTree:
    """The mirror of a folder of programs and image archives; built once, then kept."""
    programs = Programs(folder.absolute(), _exact(kubernetes))
    programs.check()
    cache = Cache.from_environment()
    with cache.locked(progress):
        apt = Apt(cache.apt)
        apt.update(progress)
        progress(f"reading the programs in {folder}")
        tree = cache.tree(programs.kubernetes, "binaries", _key(programs.digest()))
        return _Assembly(cache, apt, tree, "binaries", progress).finish(lambda: programs)


@dataclass(frozen=True)
class _Assembly:
    cache: Cache
    apt: Apt
    tree: MirrorTree
    origin: str
    progress: Progress

    def finish(self, programs: Callable[[], Programs]) -> MirrorTree:
        """The tree, made now unless it is there; its signature is renewed when it has to be."""
        if not finished(self.tree):
            require(TOOLS, self.progress)
            require_space(self.cache.base, _GIBIBYTES)
            started = time.monotonic()
            found = programs()
            with self.cache.scratch() as scratch:
                publish(self._make(found, scratch), self.tree.path)
            self.progress(f"finished in {elapsed(time.monotonic() - started)}")
        # A tree from the cache may meet a machine that did not make it.
        require(("gnupg",), self.progress)
        repository.sign(self.tree.apt / self.tree.repository, self.cache.signing)
        self.progress(f"the mirror is {self.tree.path}")
        return self.tree

    def _make(self, programs: Programs, scratch: Path) -> Path:
        work = scratch / "tree"
        machine = architecture()
        parts = scratch / "parts"
        parts.mkdir()
        workshop = Workshop(programs, self.apt, parts, machine, self.progress)
        _ = workshop.planned
        versions = self._fill_apt(programs, work / "apt", parts, machine)
        pushed = workshop.fill(work / "registry")
        Manifest(
            kubernetes=programs.kubernetes,
            origin=self.origin,
            images=pushed.images,
            packages=versions,
            missing=pushed.missing,
        ).write(work)
        return work

    def _fill_apt(
        self, programs: Programs, served: Path, scratch: Path, machine: str
    ) -> dict[str, str]:
        folder = served / repository_path(programs.kubernetes)
        folder.mkdir(parents=True)
        plugins = self.apt.unpack(_CNI, scratch) / "usr/lib/cni"
        made = packages(programs, plugins, upstream_of(self.apt.version(_CNI)))
        for package in made:
            self.progress(f"package {package.name} {package.full_version}")
            package.build(scratch, folder, machine)
        minor = Version.parse(programs.kubernetes).minor_name
        repository.write_index(folder, minor, machine)
        repository.sign(folder, self.cache.signing)
        return {package.name: package.full_version for package in made}


def _key(content: str) -> str:
    """A tree's hash: what goes in, and the code that shapes it."""
    total = hashlib.sha256(content.encode())
    here = Path(__file__).parent
    for path in sorted((*here.glob("*.py"), *here.glob("*.c"))):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def _exact(kubernetes: str) -> str:
    try:
        return str(Version.parse(kubernetes))
    except ValueError as error:
        raise MirrorError(
            str(error), next="specify the programs' exact version, e.g. --kubernetes 1.36.2"
        ) from error
