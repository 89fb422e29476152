"""hosts: names, clock, swap, kernel modules and settings, firewall."""

from __future__ import annotations

from kubeinstall.deploys.hosts import Inputs, prepare
from kubeinstall.deploys.inputs import Later
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.inventory.model import Host
from kubeinstall.phases.phase import Run


def deploys(run: Run) -> Deploys:
    return {host.name: [Step(prepare, _inputs(run, host))] for host in run.hosts()}


def _inputs(run: Run, host: Host) -> Inputs:
    off = host.name in run.clocks_off
    return Inputs(
        run.cluster,
        host,
        run.systems.get(host.name),
        run.later(Later.RUNTIME, Later.PACKAGES),
        shared_machine_id=run.shared_machine_ids.get(host.name, ""),
        clock_is_off=off,
        clock_awaited=off or "images" not in run.phases,
    )


def run(run: Run) -> None:
    run.round("hosts", deploys(run))
