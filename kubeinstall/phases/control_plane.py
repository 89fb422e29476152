"""control-plane: kubeadm init on the first control plane, kubeconfigs, later its arguments."""

from __future__ import annotations

from kubeinstall.deploys.control_plane import init
from kubeinstall.deploys.control_plane_arguments import keep
from kubeinstall.phases.run import Deploys, Run


def deploys(run: Run) -> Deploys:
    """On the first control plane, if it is in the run."""
    first = run.cluster.first
    return {first.name: [init, keep]} if first in run.hosts() else {}


def run(run: Run) -> None:
    """Make the control plane; its kubeadm's output is streamed.

    What has to change of one that runs is only known once it runs.
    """
    for name, steps in deploys(run).items():
        for step in steps:
            run.round("control-plane", {name: [step]})
