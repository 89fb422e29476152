"""control-plane: kubeadm init on the first control plane, and kubeconfigs there."""

from __future__ import annotations

from kubeinstall.deploys.control_plane import init
from kubeinstall.phases.run import Deploys, Run


def deploys(run: Run) -> Deploys:
    """On the first control plane, if it is in the run."""
    first = run.cluster.first
    return {first.name: [init]} if first in run.hosts() else {}


def run(run: Run) -> None:
    """Make the control plane; its kubeadm's output is streamed."""
    run.round("control-plane", deploys(run))
