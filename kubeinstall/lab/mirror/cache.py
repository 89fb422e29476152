"""Where mirrors are kept, and how a new one gets there in one piece."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.model import MANIFEST, MirrorTree, Progress

ENVIRONMENT = "KUBEINSTALL_CACHE"
DEFAULT = Path("/var/cache/kubeinstall")
_SCRATCH = "mirror-tmp-"


@dataclass(frozen=True)
class Cache:
    """The folders below the cache's base.

    Args:
        base: ``/var/cache/kubeinstall`` or what the environment says.
    """

    base: Path

    @classmethod
    def from_environment(cls) -> Cache:
        """``$KUBEINSTALL_CACHE``, else the default."""
        return cls(Path(os.environ.get(ENVIRONMENT) or DEFAULT).absolute())

    @property
    def mirrors(self) -> Path:
        """Finished trees, and nothing else that anyone should serve."""
        return self.base / "mirror"

    @property
    def programs(self) -> Path:
        """Programs built from source, kept over changes of the tree's layout."""
        return self.base / "programs"

    @property
    def sources(self) -> Path:
        """Source packages as they were downloaded."""
        return self.base / "sources"

    @property
    def apt(self) -> Path:
        """A private state of apt."""
        return self.base / "apt"

    @property
    def signing(self) -> Path:
        """The GNUPGHOME of the mirrors' key."""
        return self.base / "signing"

    def log(self, name: str) -> Path:
        """A new log file."""
        folder = self.base / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.log"

    @contextmanager
    def locked(self, progress: Progress) -> Iterator[None]:
        """Hold the cache alone; says so when it has to wait for another run."""
        self._make_base()
        with (self.base / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("waiting for another run that is building a mirror")
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._sweep()
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the cache's file system, gone afterwards."""
        folder = Path(mkdtemp(prefix=_SCRATCH, dir=self.base))
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def tree(self, kubernetes: str, origin: str, key: str) -> MirrorTree:
        """The tree of that name, finished or not."""
        return MirrorTree(self.mirrors / f"{kubernetes}-{origin}-{key}", kubernetes)

    def trees(self) -> tuple[MirrorTree, ...]:
        """The finished trees, newest first."""
        found = sorted(self.mirrors.glob(f"*/{MANIFEST}"), key=_modified, reverse=True)
        return tuple(MirrorTree(path.parent, path.parent.name.partition("-")[0]) for path in found)

    def _make_base(self) -> None:
        try:
            self.mirrors.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MirrorError(
                f"the cache {self.base} cannot be created",
                why=str(error),
                next=f"run as root, or set {ENVIRONMENT} to a folder that you can write to",
            ) from error

    def _sweep(self) -> None:
        """Drop what a killed run left; only the holder of the lock may."""
        for left in self.base.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)


def finished(tree: MirrorTree) -> bool:
    """Whether the tree was built to its end."""
    return (tree.path / MANIFEST).is_file()


def publish(work: Path, to: Path) -> None:
    """Move a finished folder to its name, in the place of what may be there."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if to.exists():
        shutil.rmtree(to)
    work.rename(to)


def require_space(folder: Path, gibibytes: int) -> None:
    """Refuse to start what the disk has no room for."""
    free = shutil.disk_usage(folder).free / 2**30
    if free < gibibytes:
        raise MirrorError(
            f"{folder} has {free:.1f} GiB free, and {gibibytes} are needed",
            next=f"free some space, or set {ENVIRONMENT} to a folder on a larger disk",
        )


def _modified(path: Path) -> float:
    return path.stat().st_mtime
