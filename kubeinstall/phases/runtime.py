"""runtime: the container runtime, configured for the kubelet.

A node that has another one than the inventory says is moved: drained, switched, uncordoned; one
at a time.
"""

from __future__ import annotations

from kubeinstall.cluster.draining import drain, uncordon
from kubeinstall.cluster.kubelets_on_disk import own_words
from kubeinstall.cluster.nodes import Standing
from kubeinstall.deploys.kubernetes.nodes import Kubelets
from kubeinstall.deploys.runtime import install
from kubeinstall.deploys.runtime.switching import switch
from kubeinstall.files.kubeadm import cri_socket
from kubeinstall.files.kubelet import config_map
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.phases.phase import Deploys, Run


def deploys(run: Run) -> Deploys:
    return {host.name: [install] for host in run.hosts()}


def run(run: Run) -> None:
    """Set the runtime up everywhere, then move nodes that have another one."""
    old = _others(run)
    moved = [host for host in run.hosts() if host.name in old]
    stay = {name: ds for name, ds in deploys(run).items() if name not in [h.name for h in moved]}
    run.round("runtime", stay)
    # Workers first: the pods of a control plane's node need somewhere to go.
    moved.sort(key=lambda host: host.is_control_plane)
    for number, host in enumerate(moved):
        if host.name in run.session.failures:
            continue
        _move(run, host, old[host.name])
        if host.name in run.session.failures:
            left = ", ".join(h.name for h in moved[number + 1 :])
            if left:
                run.reporter.note(f"stopped here: {left} keep their runtime")
            return


def _others(run: Run) -> dict[str, str]:
    """Host to the runtime that its node is to be moved from."""
    nodes = run.asked()
    if nodes.standing is Standing.UNKNOWN:
        words = own_words(run, [host.name for host in run.hosts()])
        has = {name: own.runtime for name, own in words.items()}
    else:
        has = {host.name: nodes.runtime(host.hostname) for host in run.hosts()}
    wanted = run.cluster.spec.runtime.name
    return {name: runtime for name, runtime in has.items() if runtime not in ("", wanted)}


def _move(run: Run, host: Host, old: str) -> None:
    new, socket = run.cluster.spec.runtime.name.value, cri_socket(run.cluster)
    if run.asked().standing is Standing.UNKNOWN:
        run.session.fail(host.name, _not_now(run, host, old))
        return
    way = f"from {old} to {new}"
    shared = Kubelets.of(run.cluster, run.nodes().kubelets)
    if shared is None:
        run.session.fail(host.name, _no_configuration(run, host))
        return
    run.session.set_data(host.name, "kubelet_config", shared.config)
    run.session.set_data(host.name, "cri_socket", socket)
    if run.dry:
        run.reporter.note(f"would be moved {way}: drained before, uncordoned afterwards", host.name)
        run.round("runtime", {host.name: [switch]})
        return
    try:
        drain(run, host)
        run.round("runtime", {host.name: [switch]})
        if host.name not in run.session.failures:
            uncordon(run, host, socket)
            run.reporter.note(f"moved {way}", host.name)
    except KubeinstallError as error:
        run.session.fail(host.name, error.findings[0])


def _not_now(run: Run, host: Host, old: str) -> Finding:
    return Finding(
        Kind.CLUSTER,
        f"it cannot be moved from {old} to {run.cluster.spec.runtime.name.value}",
        (host.name,),
        "its pods cannot be moved elsewhere, because the cluster does not answer: "
        f"{run.asked().reason}",
        f"set runtime.name back to {old}, run `kubeinstall up`, and then change the runtime",
    )


def _no_configuration(run: Run, host: Host) -> Finding:
    name = config_map(run.cluster.version)
    return Finding(
        Kind.CLUSTER,
        "its kubelet cannot be told of another runtime",
        (host.name,),
        why=f"the ConfigMap kube-system/{name} with the kubelets' configuration cannot be read",
        next=f"on {run.cluster.first.name}: kubectl -n kube-system get configmaps",
    )
