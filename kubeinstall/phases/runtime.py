"""runtime: the container runtime, configured for the kubelet.

A node that has another one than the inventory says is moved: drained, switched, uncordoned; one
at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubeinstall.cluster.kubelets_on_disk import own_words
from kubeinstall.cluster.node import SOCKET
from kubeinstall.cluster.nodes import Standing
from kubeinstall.cluster.rolling import Progress, Turn
from kubeinstall.deploys.inputs import Later
from kubeinstall.deploys.kubernetes.nodes import Kubelets
from kubeinstall.deploys.runtime import install
from kubeinstall.deploys.runtime.switching import Inputs, switch
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.files.kubeadm import cri_socket
from kubeinstall.files.kubelet import config_map
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Host
from kubeinstall.phases.phase import Run


def deploys(run: Run) -> Deploys:
    return {host.name: [Step(install, run.inputs(host, Later.PACKAGES))] for host in run.hosts()}


def run(run: Run) -> None:
    """Set the runtime up everywhere, then move nodes that have another one."""
    old = _others(run)
    moved = [host for host in run.hosts() if host.name in old]
    stay = {name: ds for name, ds in deploys(run).items() if name not in [h.name for h in moved]}
    run.round("runtime", stay)
    # Workers first: the pods of a control plane's node need somewhere to go.
    moved.sort(key=lambda host: host.is_control_plane)
    moved = [host for host in moved if host.name not in run.session.failures]
    if moved:
        _stopped(run, _move(run, moved, old))


def _others(run: Run) -> dict[str, str]:
    """Host to the runtime that its node is to be moved from."""
    nodes = run.asked()
    if nodes.standing is Standing.UNKNOWN:
        words = own_words(run.session, [host.name for host in run.hosts()])
        has = {name: own.runtime for name, own in words.items()}
    else:
        found = {host.name: nodes.node(host.hostname) for host in run.hosts()}
        has = {name: node.runtime if node else "" for name, node in found.items()}
    wanted = run.cluster.spec.runtime.name
    return {name: runtime for name, runtime in has.items() if runtime not in ("", wanted)}


def _move(run: Run, hosts: Sequence[Host], old: Mapping[str, str]) -> Sequence[Host]:
    """Move nodes to the inventory's runtime, one at a time.

    Returns:
        the hosts that keep the one they have, because one before them failed.
    """
    new, socket = run.cluster.spec.runtime.name.value, cri_socket(run.cluster)
    first, *rest = hosts
    if run.asked().standing is Standing.UNKNOWN:
        run.session.fail(first.name, _not_now(run, first, old[first.name]))
        return rest
    nodes = run.nodes()
    shared = Kubelets.of(run.cluster, nodes.kubelets)
    if shared is None:
        run.session.fail(first.name, _no_configuration(run, first))
        return rest
    config = shared.config
    ways = {host.name: f"from {old[host.name]} to {new}" for host in hosts}

    def act(these: Sequence[Host]) -> dict[str, Finding]:
        inputs = [
            Inputs(run.cluster, h, run.systems.get(h.name), kubelet_config=config) for h in these
        ]
        run.round("runtime", {one.host.name: [Step(switch, one)] for one in inputs})
        return run.failed(these)

    def told(progress: Progress, host: Host) -> None:
        if progress is Progress.DRAIN:
            run.reporter.waiting(f"{host.hostname} is being drained")
        elif progress is Progress.DONE:
            run.reporter.note(f"switched {ways[host.name]}", host.name)

    if run.dry:
        for host in hosts:
            way = f"would be drained, switched {ways[host.name]}, and uncordoned"
            run.reporter.note(way, host.name)
            act([host])
        return ()
    # From 1.34 on kubeadm keeps the socket on the node itself.
    noted = [node.name for node in nodes.items if SOCKET in node.annotations]
    turns = [Turn(h, annotations={SOCKET: socket} if h.hostname in noted else {}) for h in hosts]
    return run.roll(turns, act, told).left


def _stopped(run: Run, left: Sequence[Host]) -> None:
    if left:
        names = ", ".join(host.name for host in left)
        run.reporter.note(f"stopped here: the container runtimes of {names} are unchanged")


def _not_now(run: Run, host: Host, old: str) -> Finding:
    return Finding(
        Kind.CLUSTER,
        f"it cannot be switched from {old} to {run.cluster.spec.runtime.name.value}",
        (host.name,),
        "its pods cannot be moved elsewhere, because the cluster does not answer: "
        f"{run.asked().reason}",
        f"set runtime.name back to {old}, run `kubeinstall up`, and then change the runtime",
    )


def _no_configuration(run: Run, host: Host) -> Finding:
    name = config_map(run.cluster.version)
    return Finding(
        Kind.CLUSTER,
        "its kubelet cannot be configured for another container runtime",
        (host.name,),
        why=f"the ConfigMap kube-system/{name} with the kubelets' configuration cannot be read",
        next=f"on {run.nodes().host}: kubectl -n kube-system get configmaps",
    )
