"""kubelets: each node's own settings; what has changed is put in place one node at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from kubeinstall.cluster.node_settings import changes
from kubeinstall.cluster.rolling import Rolled, Step, Turn
from kubeinstall.deploys.kubernetes.kubelet import ANOTHER_POLICY, configure
from kubeinstall.deploys.kubernetes.nodes import Kubelets, kubelets, settle
from kubeinstall.deploys.kubernetes.serving_certificates import serving, serving_certificates
from kubeinstall.engine.types import Deploy, HostResult
from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Host
from kubeinstall.phases.phase import Deploys, Run
from kubeinstall.phases.serving import approve


def deploys(run: Run) -> Deploys:
    """On every host its kubelet; on one control plane what the cluster is told as well."""
    planned: dict[str, list[Deploy]] = {}
    hosts = run.hosts()
    if not hosts:
        return planned
    nodes, asked = run.nodes(), run.answering.host()
    shared = Kubelets.of(run.cluster, nodes.kubelets)
    for host in hosts:
        run.session.set_data(host.name, "kubelet_config", shared.config if shared else None)
        run.session.set_data(host.name, "cri_socket", None)
        planned[host.name] = [configure]
    known = {host.name: node for host in hosts if (node := nodes.node(host.hostname))}
    noted = nodes.owned or {}
    settings = [
        changes(run.cluster, run.cluster.host(name), node, noted.get(node.name, ""))
        for name, node in known.items()
    ]
    changed = next((number for number, one in enumerate(settings) if one.any), None)
    if changed is not None and nodes.owned is None:
        settings[changed] = replace(settings[changed], create_notes=True)
    run.session.set_data(asked, "kubelets", shared)
    run.session.set_data(asked, "node_changes", settings)
    cordoned = [node.name for node in known.values() if node.is_cordoned_by_us]
    run.session.set_data(asked, "cordoned", cordoned)
    if asked in run.session.alive and known:
        certificates = [serving_certificates] if serving(run.cluster) else []
        planned[asked] = [kubelets, *planned.get(asked, ()), settle, *certificates]
    return planned


def run(run: Run) -> None:
    """Put settings in place, workers first; a kubelet that does not come back ends it."""
    planned = deploys(run)
    if run.dry:
        run.round("kubelets", planned)
        return
    asked = run.answering.host()
    if kubelets in planned.get(asked, ()):
        run.round("kubelets", {asked: [kubelets]})
    own = {host.name: [configure] for host in run.hosts()}
    preview = run.session.preview("kubelets", own)
    rolled = [host for host in _order(run.hosts()) if _changes(preview, host)]
    run.round("kubelets", {name: own[name] for name in own if name not in _names(rolled)})
    left = _roll(run, rolled, preview).left
    if left:
        names = ", ".join(_names(left))
        run.reporter.note(f"stopped here: the kubelets of {names} are as they were")
    again = deploys(run)
    asked = run.answering.host()
    if settle in again.get(asked, ()):
        run.round("kubelets", {asked: [settle]})
    approve(run)


def _roll(run: Run, hosts: list[Host], preview: dict[str, HostResult]) -> Rolled:
    """One node at a time; drained only where its pods would not survive the change."""

    def act(these: Sequence[Host]) -> dict[str, Finding]:
        run.round("kubelets", {host.name: [configure] for host in these})
        return run.failed(these)

    def told(step: Step, host: Host) -> None:
        if step is Step.DRAIN:
            run.reporter.waiting(f"{host.hostname} is drained")

    turns = [Turn(host, drained=ANOTHER_POLICY in _changes(preview, host)) for host in hosts]
    return run.roll(turns, act, told)


def _changes(preview: dict[str, HostResult], host: Host) -> list[str]:
    """The ids of the operations that would change something."""
    found = preview.get(host.name)
    return [event.operation_id for event in found.changed] if found else []


def _order(hosts: list[Host]) -> list[Host]:
    """Workers first: what a kubelet does not take is found out there."""
    return sorted(hosts, key=lambda host: host.is_control_plane)


def _names(hosts: Iterable[Host]) -> list[str]:
    return [host.name for host in hosts]
