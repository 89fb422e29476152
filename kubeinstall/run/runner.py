"""Run phases one after another, and end with the exit code of the first thing that failed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from kubeinstall.engine.types import Step
from kubeinstall.findings import Finding, Kind, KubeinstallError, listed
from kubeinstall.phases.phase import Phase, Run, Unasked
from kubeinstall.run.diagnosis import diagnosed


def execute(run: Run, phases: Sequence[Phase]) -> int:
    """Run the phases in their order.

    A host that fails is left out of what follows; without any control plane nothing runs
    that needs one; an error of a phase itself ends the run.

    Returns:
        0, or the exit code of the first failure's kind.
    """
    wanted = [phase for phase in phases if phase.planned or not run.dry]
    run.phases = frozenset(phase.name for phase in wanted)
    skipped: list[str] = []
    try:
        for phase in wanted:
            if _possible(run, phase):
                _one(run, phase, wanted)
                run.session.still_locked()
            else:
                skipped.append(phase.name)
    except KubeinstallError as error:
        _remember(run, error)
    except KeyboardInterrupt:
        run.errors.append(_interrupted(run))
    if skipped and _no_control_plane(run):
        failed = ", ".join(host.name for host in run.cluster.control_planes)
        run.reporter.note(f"{failed} failed, so these phases were skipped: {', '.join(skipped)}")
    run.reporter.ends(_touched(run), run.out, run.errors)
    return run.exit_code


def _possible(run: Run, phase: Phase) -> bool:
    """Whether a phase can run with the hosts that are left."""
    if phase.connects:
        return True
    if phase.needs_control_plane and _no_control_plane(run):
        return False
    return bool(run.session.alive)


def _no_control_plane(run: Run) -> bool:
    """Whether every control plane has failed."""
    return all(host.name in run.session.failures for host in run.cluster.control_planes)


def _one(run: Run, phase: Phase, wanted: Sequence[Phase]) -> None:
    """Run one phase between its heading and its time.

    Args:
        wanted: all phases of the run: the first that deploys reads the facts for all of them.
    """
    began = time.monotonic()
    run.phase = phase.name
    run.reporter.phase_begins(phase.name, phase.title)
    try:
        if phase.deploys and not run.prefetched:
            _prefetch(run, wanted)
        phase.run(run)
    except Unasked as unasked:
        # A plan says what it knows: what is missing of the control plane, and what depends on it.
        if not run.dry:
            raise
        why = unasked.findings[0].why
        run.reporter.note(f"not planned, because the cluster does not answer: {why}")
    finally:
        run.reporter.phase_ends(phase.name, time.monotonic() - began)
    for host in [name for name in run.session.failures if name not in run.out]:
        run.out[host] = diagnosed(run, phase, host, run.session.failures[host])
        if run.out[host].kind is not Kind.OPERATION:  # an operation's own event has told
            run.reporter.note(run.out[host].what, host)


def _prefetch(run: Run, phases: Sequence[Phase]) -> None:
    """Read the facts of all coming rounds at once: a converged host costs one round trip.

    Raises:
        KubeinstallError: a control plane has something on it that a deploy refuses; nothing was
            changed.
    """
    run.prefetched = True
    together: dict[str, list[Step[Any]]] = {}
    for phase in phases:
        if phase.deploys:
            # What depends on a cluster that cannot be asked yet is read when its phase comes.
            with contextlib.suppress(Unasked):
                for host, deploys in phase.deploys(run).items():
                    together.setdefault(host, []).extend(deploys)
    run.session.prefetch(together)
    refused = [
        finding
        for host in run.cluster.control_planes
        if (finding := run.session.failures.get(host.name)) and finding.kind is Kind.PREFLIGHT
    ]
    if refused:
        raise KubeinstallError(*refused)


def _remember(run: Run, error: KubeinstallError) -> None:
    """Keep the findings that ended the run; those of hosts that are out are known already."""
    known = set(run.session.failures.values())
    run.out.update({h: f for h, f in run.session.failures.items() if h not in run.out})
    run.errors.extend(finding for finding in error.findings if finding not in known)


def _interrupted(run: Run) -> Finding:
    busy = listed(run.session.alive)
    return Finding(
        Kind.INTERRUPTED,
        f"interrupted in phase {run.phase}",
        why=f"a command may still be running on {busy}" if busy else "",
        next="run the same command again: it continues where this run stopped",
    )


def _touched(run: Run) -> list[str]:
    """The hosts to account for, in the inventory's order."""
    return [
        host.name
        for host in run.cluster.hosts
        if run.selected(host.name) or host.name in run.session.failures
    ]
