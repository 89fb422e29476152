"""The phases of ``kubeinstall reset``: workers first, then control planes."""

from __future__ import annotations

import shlex

from kubeinstall.deploys.reset import Inputs, reset
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.phases import connect
from kubeinstall.phases.phase import Phase, Run

_DRAIN_SECONDS = 120


def _workers(run: Run) -> Deploys:
    return {host.name: _steps(run, host) for host in run.hosts() if not host.is_control_plane}


def _control_planes(run: Run) -> Deploys:
    return {host.name: _steps(run, host) for host in run.hosts() if host.is_control_plane}


def _steps(run: Run, host: Host) -> list[Step[Inputs]]:
    return [Step(reset, Inputs(run.cluster, host, packages=run.packages))]


def reset_workers(run: Run) -> None:
    """Take the cluster off the workers; where the cluster stays, it is told that they go."""
    stays = not all(run.selected(host.name) for host in run.cluster.control_planes)
    leaving = [host for host in run.hosts() if not host.is_control_plane]
    if stays:
        for host in leaving:
            _drain(run, host)
    run.round("reset-workers", _workers(run))
    if stays:
        for host in leaving:
            _delete(run, host)


def reset_control_planes(run: Run) -> None:
    """Take the cluster off the control planes."""
    run.round("reset-control-planes", _control_planes(run))


def _drain(run: Run, host: Host) -> None:
    """Move its pods elsewhere, as far as that goes in two minutes."""
    name = shlex.quote(host.hostname)
    options = f"--ignore-daemonsets --delete-emptydir-data --force --timeout={_DRAIN_SECONDS}s"
    command = f"$kubectl --request-timeout=0 drain {name} {options}"
    _tell(run, command, f"node {host.hostname} is drained", f"{host.hostname} was not drained")


def _delete(run: Run, host: Host) -> None:
    name = shlex.quote(host.hostname)
    command = f"$kubectl delete node {name} --ignore-not-found --timeout=30s"
    _tell(run, command, f"node {host.hostname} is removed", f"{host.hostname} is still a node")


def _tell(run: Run, command: str, done: str, otherwise: str) -> None:
    """Ask the cluster for something that the reset can do without."""
    try:
        run.kubectl.must(command, timeout=_DRAIN_SECONDS + 30)
    except KubeinstallError as error:
        why = error.findings[0].why or error.findings[0].what
        run.reporter.note(f"{otherwise}: {why}")
    else:
        run.reporter.note(done)


PHASES = (
    Phase("connect", "Connect to the hosts", connect.reach, connects=True),
    Phase("reset-workers", "Take the cluster off the workers", reset_workers, _workers),
    Phase(
        "reset-control-planes",
        "Take the cluster off the control planes",
        reset_control_planes,
        _control_planes,
    ),
)
