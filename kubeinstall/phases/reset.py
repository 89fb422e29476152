"""The phases of ``kubeinstall reset``: workers first, then control planes."""

from __future__ import annotations

from collections.abc import Callable

from kubeinstall.cluster.leaving import move_pods, remove_nodes
from kubeinstall.deploys.reset import Inputs, reset
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.phases import connect
from kubeinstall.phases.phase import Phase, Run


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
    name = host.hostname
    done, otherwise = f"node {name} is drained", f"{name} was not drained"
    _tell(run, lambda: move_pods(run.kubectl, name), done, otherwise)


def _delete(run: Run, host: Host) -> None:
    name = host.hostname
    done, otherwise = f"node {name} is removed", f"{name} is still a node"
    _tell(run, lambda: remove_nodes(run.kubectl, [name]), done, otherwise)


def _tell(run: Run, ask: Callable[[], None], done: str, otherwise: str) -> None:
    """Ask the cluster for something that the reset can do without."""
    try:
        ask()
    except KubeinstallError as error:
        why = error.findings[0].why or error.findings[0].what
        run.reporter.note(f"{otherwise}: {why}")
    else:
        run.reporter.note(done)


PHASES = (
    Phase("connect", "Connect to the hosts", connect.reach, connects=True),
    Phase("reset-workers", "Reset the workers", reset_workers, _workers),
    Phase(
        "reset-control-planes",
        "Reset the control planes",
        reset_control_planes,
        _control_planes,
    ),
)
