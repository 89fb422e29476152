"""A cgroup of its own for every host, on whatever the machine has: v1, v2 or both (hybrid)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.inventory.model import CgroupMode
from kubeinstall.lab.errors import LabError

_TOP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Layout:
    """How this machine's cgroups are mounted.

    Args:
        v1: folders of the v1 hierarchies, systemd's own among them; none on a pure v2 machine.
        v2: the folder of the unified hierarchy, if there is one.
    """

    v1: tuple[Path, ...]
    v2: Path | None

    @property
    def mode(self) -> CgroupMode:
        """What that is called."""
        if not self.v1:
            return CgroupMode.V2
        return CgroupMode.HYBRID if self.v2 else CgroupMode.V1


def layout(mounts: str | None = None) -> Layout:
    """Read the layout from /proc/self/mounts, or from a text of that form."""
    text = Path("/proc/self/mounts").read_text() if mounts is None else mounts
    v1: list[Path] = []
    v2: Path | None = None
    for line in text.splitlines():
        _, where, kind, *_ = line.split()
        if not Path(where).is_relative_to(_TOP):
            continue
        if kind == "cgroup":
            v1.append(Path(where))
        elif kind == "cgroup2":
            v2 = Path(where)
    return Layout(tuple(v1), v2)


def choose(wanted: CgroupMode, found: Layout) -> CgroupMode:
    """The mode the hosts get: what the inventory asks for, if this machine can give it.

    Raises:
        LabError: it cannot.
    """
    mode = found.mode if wanted is CgroupMode.HOST else wanted
    possible = {
        CgroupMode.V1: bool(found.v1),
        CgroupMode.HYBRID: bool(found.v1) and found.v2 is not None,
        # A controller that v1 holds is not available in v2.
        CgroupMode.V2: not found.v1 and found.v2 is not None,
    }
    if possible[mode]:
        return mode
    has = ", ".join(mode for mode, can in possible.items() if can) or "none"
    raise LabError(
        f"this machine cannot provide cgroup {mode} for its hosts",
        why=f"the mounts in {_TOP} allow: {has}",
        next="set lab.cgroup to host, or boot the machine with another cgroup version",
    )


def environment(mode: CgroupMode) -> dict[str, str]:
    """What systemd-nspawn has to be told for a mode; left alone it makes a hybrid of a hybrid."""
    told = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"}
    if mode is not CgroupMode.HYBRID:
        told["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "1" if mode is CgroupMode.V2 else "0"
    return told


def folders(found: Layout, name: str) -> tuple[Path, ...]:
    """A host's cgroups, one in every hierarchy."""
    return tuple(top / name for top in (*found.v1, *((found.v2,) if found.v2 else ())))


def make(cgroups: tuple[Path, ...]) -> None:
    """Make a host's cgroups, ready for processes."""
    for cgroup in cgroups:
        cgroup.mkdir(exist_ok=True)
        if (cgroup / "cgroup.controllers").exists():
            _pass_controllers_on(cgroup.parent)
        elif (cgroup / "cpuset.cpus").exists():
            # In v1 a new cpuset is empty and takes no process.
            for name in ("cpuset.cpus", "cpuset.mems"):
                (cgroup / name).write_text((cgroup.parent / name).read_text())
            (cgroup / "cgroup.clone_children").write_text("1")


def processor_time(cgroups: tuple[Path, ...]) -> float:
    """Seconds of processor time that a host's processes have used; 0 if nothing counts them."""
    for cgroup in cgroups:
        v1, v2 = cgroup / "cpuacct.usage", cgroup / "cpu.stat"
        if v1.exists():
            return int(v1.read_text()) / 1e9
        if v2.exists() and (used := re.search(r"^usage_usec (\d+)$", v2.read_text(), re.M)):
            return int(used[1]) / 1e6
    return 0.0


def kill(cgroups: tuple[Path, ...], patience: float = 20) -> bool:
    """Kill every process in a host's cgroups; whether they are gone after so many seconds."""
    deadline = time.monotonic() + patience
    while processes := _processes(cgroups):
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            reap(pid)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def reap(pid: int) -> None:
    """Let go of an ended process, should it be a child of this one."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def remove(cgroups: tuple[Path, ...], patience: float = 5) -> None:
    """Remove a host's cgroups, which have no processes left.

    Args:
        patience: seconds that the kernel may need to let go of them.
    """
    deadline = time.monotonic() + patience
    for cgroup in cgroups:
        for folder in [*_below(cgroup), cgroup]:
            while folder.is_dir():
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)


def _below(cgroup: Path) -> list[Path]:
    """The cgroups below one, deepest first."""
    return sorted(
        (Path(at) for at, _, _ in os.walk(cgroup) if Path(at) != cgroup),
        key=lambda path: len(path.parts),
        reverse=True,
    )


def _processes(cgroups: tuple[Path, ...]) -> set[int]:
    found: set[int] = set()
    for cgroup in cgroups:
        for folder in (*_below(cgroup), cgroup):
            with contextlib.suppress(OSError):
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
    return found


def _pass_controllers_on(parent: Path) -> None:
    control = parent / "cgroup.subtree_control"
    missing = set((parent / "cgroup.controllers").read_text().split())
    for controller in missing - set(control.read_text().split()):
        # E.g. cpu is refused where a realtime process runs: hosts then do without it.
        with contextlib.suppress(OSError):
            control.write_text(f"+{controller}")
