"""runtime: the container runtime, configured for the kubelet."""

from __future__ import annotations

from kubeinstall.deploys.runtime import install
from kubeinstall.phases.run import Deploys, Run


def deploys(run: Run) -> Deploys:
    return {host.name: [install] for host in run.hosts()}


def run(run: Run) -> None:
    run.round("runtime", deploys(run))
