"""network: connect the pods of all nodes; what the cluster is told of runtimes."""

from __future__ import annotations

import time
from typing import Any

from kubeinstall.deploys import network
from kubeinstall.deploys.inputs import Inputs
from kubeinstall.deploys.kubernetes.runtime_classes import runtime_classes
from kubeinstall.deploys.network import configure
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.catalogue.model import Stage
from kubeinstall.phases.addons import apply_stage
from kubeinstall.phases.phase import Run
from kubeinstall.preflight.pod_networks import another_addon, shares

_SECONDS = 60.0
_PAUSE = 0.5


def deploys(run: Run) -> Deploys:
    """On every host, with the shares of the pod network that the cluster allotted.

    Runtime classes are applied on one control plane.

    Raises:
        KubeinstallError: a node has what cannot be its share.
    """
    hosts = run.hosts()
    allotted = shares(run.cluster, run.nodes()) if hosts else {}
    planned: dict[str, list[Step[Any]]] = {
        host.name: [Step(configure, network.Inputs(run.cluster, host, allotted))] for host in hosts
    }
    if hosts and (asked := run.control_plane()):
        inputs = Inputs(run.cluster, run.cluster.host(asked))
        planned.setdefault(asked, []).append(Step(runtime_classes, inputs))
    return planned


def run(run: Run) -> None:
    """Wait until every node has its share; then routes everywhere at once, or the plugin's addon.

    Raises:
        KubeinstallError: the cluster has another pod network, or this one does not get ready.
    """
    if findings := list(another_addon(run.cluster, run.nodes())):
        raise KubeinstallError(*findings)
    deadline = time.monotonic() + _SECONDS
    while not run.dry and (waiting := _without_share(run)) and time.monotonic() < deadline:
        run.reporter.waiting(f"pod CIDRs have not been assigned to {', '.join(waiting)} yet")
        time.sleep(_PAUSE)
        run.forget_nodes()
    run.round("network", deploys(run))
    apply_stage(run, Stage.NETWORK)


def _without_share(run: Run) -> list[str]:
    """Hosts of the run that have no share yet.

    A host that is no node will not get one; but one that joined in this run may only be about to
    become a node.
    """
    nodes = run.nodes()
    names = nodes.names or frozenset()
    return [
        host.hostname
        for host in run.hosts()
        if host.hostname not in nodes.pod_cidrs and (host.hostname in names or run.changed)
    ]
