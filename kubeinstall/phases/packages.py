"""packages: kubelet, kubeadm and kubectl at the exact version, held there."""

from __future__ import annotations

from kubeinstall.deploys.kubernetes.packages import install
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.phases.phase import Run


def deploys(run: Run) -> Deploys:
    return {host.name: [Step(install, run.inputs(host))] for host in run.hosts()}


def run(run: Run) -> None:
    run.round("packages", deploys(run))
