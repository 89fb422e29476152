"""hosts: names, clock, swap, kernel modules and settings, firewall."""

from __future__ import annotations

from kubeinstall.deploys.hosts import prepare
from kubeinstall.phases.phase import Deploys, Run


def deploys(run: Run) -> Deploys:
    return {host.name: [prepare] for host in run.hosts()}


def run(run: Run) -> None:
    run.round("hosts", deploys(run))
