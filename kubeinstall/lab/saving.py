"""Saving a lab with its running cluster as a snapshot."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from kubeinstall.facts.kubectl import kubectl
from kubeinstall.lab import copying, disk, machine, revival, snapshots, system
from kubeinstall.lab import lab as labs
from kubeinstall.lab.copying import Size
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabHost, LabPlan, Progress, Purpose
from kubeinstall.lab.snapshots import Base, Snapshot
from kubeinstall.resources import script

_RESERVE = 512 * 1024 * 1024
"""Bytes that stay free on the disk."""
_GRACE = 10
"""Seconds that the processes of pods have to end."""

Linked = Mapping[str, frozenset[PurePosixPath]]
"""Of each host, by its name: what of its data is never written to again."""


def save(
    lab: LabPlan, name: str, progress: Progress, *, replace: bool = False, stop: bool = False
) -> Snapshot:
    """Save a lab that is up, with its cluster. It is stopped for that, and started again.

    Args:
        replace: take the place of a snapshot of that name.
        stop: leave it stopped; `lab up` starts it.

    Raises:
        LabError: the name is taken or not one, a host is not up, or there is not enough space.
    """
    began = time.monotonic()
    system.require_root()
    snapshots.check_name(name)
    if name in snapshots.names() and not replace:
        raise LabError(
            f"the snapshot {name} already exists", next="choose another name, or add --replace"
        )
    with labs.alone(progress):
        _must_be_up(lab)
        cluster = revival.alive(lab, progress)
        linked = {host.name: _unchanging(host) for host in lab.hosts}
        must_fit(snapshots.FOLDER, sum(_to_copy(host, linked[host.name]) for host in lab.hosts))
        found = snapshots.describe(lab, name, datetime.now(UTC), _bases(lab), cluster)
        progress(f"stopping the hosts of the lab {lab.name}")
        try:
            for hosts in in_order(lab):
                labs.all_at_once(hosts, _shut_down)
            progress(f"saving the hosts; {_alive(found)}")
            saved = _write(lab, found, linked)
        finally:
            started = None if stop else revival.boot(lab)
    if started:
        revival.wait(lab, cluster, started, patience=180)
    took = f"{time.monotonic() - began:.1f} s"
    progress(f"lab {lab.name}: saved as {name}{', and stopped' if stop else ''}, {took}")
    return saved


def in_order(lab: LabPlan) -> list[list[LabHost]]:
    """The hosts in the order in which they are stopped.

    Workers before control planes, so that these see their pods end; the mirror last.
    """
    planes = revival.control_planes(lab)
    nodes = [host for host in lab.hosts if host.purpose is Purpose.NODE]
    others = [host for host in lab.hosts if host.purpose is not Purpose.NODE]
    return [[host for host in nodes if host not in planes], [*planes], others]


def must_fit(folder: Path, size: int) -> None:
    """Refuse to fill the disk that a folder is on.

    Args:
        size: bytes that are to be written.

    Raises:
        LabError: there is not enough space.
    """
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(there).free - _RESERVE
    if size > free:
        raise LabError(
            f"there is not enough disk space in {there}",
            why=f"it needs {_megabytes(size)}, and {_megabytes(free)} are available",
            next="remove snapshots you no longer need (`kubeinstall lab snapshots`, "
            "`kubeinstall lab rm NAME`), or labs (`kubeinstall lab down`)",
        )


def _must_be_up(lab: LabPlan) -> None:
    down = [host.name for host in lab.hosts if machine.leader(host) is None]
    if down:
        raise LabError(
            f"not all hosts of the lab {lab.name} are running: {', '.join(down)}",
            why="a snapshot contains all hosts of a running lab",
            next="run `kubeinstall lab up` with the same inventory first",
        )


def _unchanging(host: LabHost) -> frozenset[PurePosixPath]:
    first = machine.leader(host)
    mounts = Path(f"/proc/{first}/mountinfo").read_text(encoding="utf-8", errors="replace")
    return copying.unchanging(mounts, host.folder / "data")


def _to_copy(host: LabHost, linked: frozenset[PurePosixPath]) -> int:
    data = host.folder / "data"
    return copying.allocated(data) - sum(copying.allocated(data / path) for path in linked)


def _bases(lab: LabPlan) -> dict[str, Base]:
    found = {}
    for host in lab.hosts:
        base = (host.folder / "base").readlink()
        found[host.name] = Base(root=base.name, packages=snapshots.packages(base))
    return found


def _alive(snapshot: Snapshot) -> str:
    if snapshot.cluster is None:
        return "no cluster answers on them"
    nodes, pods = len(snapshot.cluster.nodes), len(snapshot.cluster.pods)
    return f"their cluster has {nodes} Ready nodes and {pods} running pods"


def _shut_down(host: LabHost) -> None:
    rest = script("lab/rest", patience=_GRACE, kubectl=kubectl())
    machine.inside(host, "bash", "-c", rest, patience=120)
    machine.power_off(host)


def _write(lab: LabPlan, snapshot: Snapshot, linked: Linked) -> Snapshot:
    with snapshots.being_made(snapshot.name) as part:
        (part / "lab").mkdir()
        copying.copy((path for path in lab.folder.iterdir() if path.is_file()), part / "lab")
        sizes = labs.all_at_once(
            lab.hosts, lambda host: disk.keep(host, linked[host.name], part / "hosts" / host.name)
        )
        size = sum(sizes, Size())
        saved = snapshot.model_copy(update={"linked": size.linked, "copied": size.copied})
        snapshots.finish(part, saved)
    return saved


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"
