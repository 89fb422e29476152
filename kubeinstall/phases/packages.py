"""packages: kubelet, kubeadm and kubectl at the exact version, held there."""

from __future__ import annotations

from kubeinstall.deploys.kubernetes.packages import install
from kubeinstall.phases.phase import Deploys, Run


def deploys(run: Run) -> Deploys:
    return {host.name: [install] for host in run.hosts()}


def run(run: Run) -> None:
    run.round("packages", deploys(run))
