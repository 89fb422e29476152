"""Bringing a lab up as it was saved."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from kubeinstall.lab import disk, revival, roots, snapshots, system
from kubeinstall.lab import lab as labs
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabPlan, Progress, cache
from kubeinstall.lab.saving import must_fit
from kubeinstall.lab.snapshots import Base, Snapshot


def restore(lab: LabPlan, name: str, progress: Progress, patience: float = 180) -> None:
    """Bring a lab up as it was saved, and wait until what was alive in its cluster is alive again.

    Args:
        patience: seconds that hosts and cluster may take.

    Raises:
        LabError: there is no such snapshot, it is of another lab, the lab exists, there is not
            enough space, or it does not come back.
    """
    began = time.monotonic()
    system.require(progress)
    snapshot = snapshots.load(name)
    _must_match(snapshot, lab)
    with labs.alone(progress):
        _must_not_exist(lab)
        must_fit(lab.folder.parent, snapshot.copied)
        kept = {host.name: snapshot.folder / "hosts" / host.name for host in lab.hosts}
        bases = _bases(snapshot, lab, progress)
        shutil.copytree(snapshot.folder / "lab", lab.folder)
        forms = labs.all_at_once(
            lab.hosts, lambda host: disk.bring(host, kept[host.name], bases[host.name])
        )
        # After all copies, so that `lab up` does not take half of a lab for a whole one.
        for host, form in zip(lab.hosts, forms, strict=True):
            disk.finish(host, form)
        labs.prepare(lab)
        started = revival.boot(lab)
    revival.wait(lab, snapshot.cluster, started, patience)
    took = f"{time.monotonic() - began:.1f} s"
    progress(f"lab {lab.name}: {len(lab.hosts)} hosts up{_alive(snapshot)}, {took}")


def _must_match(snapshot: Snapshot, lab: LabPlan) -> None:
    if differing := snapshots.differences(snapshot, lab):
        raise LabError(
            f"the snapshot {snapshot.name} is of another lab than this inventory's",
            why="\n".join(differing),
            next="use the inventory it was saved with; the certificates and kubeconfigs of its "
            "cluster contain the addresses of the hosts",
        )


def _must_not_exist(lab: LabPlan) -> None:
    if any(disk.form(host) for host in lab.hosts):
        raise LabError(
            f"the lab {lab.name} already exists",
            why="its hosts would be replaced",
            next="remove it first: `kubeinstall lab down` with the same inventory",
        )
    # What an interrupted attempt may have left.
    labs.remove_hosts(lab)
    shutil.rmtree(lab.folder, ignore_errors=True)


def _bases(snapshot: Snapshot, lab: LabPlan, progress: Progress) -> dict[str, Path]:
    """The cached root of each host; one that is gone is made again."""
    found = {}
    for host in snapshot.hosts:
        base = cache() / "roots" / host.base.root
        if not base.is_dir():
            base = roots.root(host.purpose, progress, lab.suite)
        if not _is(base, host.base):
            raise LabError(
                f"the cached Debian root below the snapshot {snapshot.name} is gone",
                host=host.name,
                why=f"it was {host.base.root}; {base.name} has other packages",
                next=f"remove the snapshot (`kubeinstall lab rm {snapshot.name}`), create the lab "
                "and its cluster again, and save it",
            )
        found[host.name] = base
    return found


def _is(base: Path, saved: Base) -> bool:
    return base.name == saved.root and snapshots.packages(base) == saved.packages


def _alive(snapshot: Snapshot) -> str:
    if not snapshot.cluster:
        return ""
    nodes, pods = len(snapshot.cluster.nodes), len(snapshot.cluster.pods)
    return f", {nodes} nodes Ready, {pods} pods running"
