"""images: what kubeadm wants, pulled on all hosts at once before anything starts from it."""

from __future__ import annotations

from kubeinstall.deploys.kubernetes.images import pull
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.phases.phase import Run


def deploys(run: Run) -> Deploys:
    return {host.name: [Step(pull, run.inputs(host))] for host in run.hosts()}


def run(run: Run) -> None:
    run.round("images", deploys(run))
