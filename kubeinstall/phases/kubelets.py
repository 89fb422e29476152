"""kubelets: each node's own settings; what has changed is put in place one node at a time."""

from __future__ import annotations

from dataclasses import replace

from kubeinstall.cluster.draining import drain, uncordon
from kubeinstall.cluster.node_settings import changes
from kubeinstall.deploys.kubernetes.kubelet import ANOTHER_POLICY, configure
from kubeinstall.deploys.kubernetes.nodes import Kubelets, kubelets, settle
from kubeinstall.deploys.kubernetes.serving_certificates import serving, serving_certificates
from kubeinstall.engine.types import Deploy, HostResult
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.phases.phase import Deploys, Run
from kubeinstall.phases.serving import approve


def deploys(run: Run) -> Deploys:
    """On every host its kubelet; on the first control plane what the cluster is told as well."""
    planned: dict[str, list[Deploy]] = {}
    hosts = run.hosts()
    if not hosts:
        return planned
    nodes, first = run.nodes(), run.cluster.first.name
    shared = Kubelets.of(run.cluster, nodes.kubelets)
    for host in hosts:
        run.session.set_data(host.name, "kubelet_config", shared.config if shared else None)
        run.session.set_data(host.name, "cri_socket", None)
        planned[host.name] = [configure]
    known = [host for host in hosts if nodes.node(host.hostname)]
    noted = nodes.owned or {}
    settings = [
        changes(run.cluster, h, nodes.node(h.hostname), noted.get(h.hostname, "")) for h in known
    ]
    changed = next((number for number, one in enumerate(settings) if one.any), None)
    if changed is not None and nodes.owned is None:
        settings[changed] = replace(settings[changed], create_notes=True)
    run.session.set_data(first, "kubelets", shared)
    run.session.set_data(first, "node_changes", settings)
    cordoned = [h.hostname for h in known if h.hostname in nodes.cordoned]
    run.session.set_data(first, "cordoned", cordoned)
    if first in run.session.alive and known:
        certificates = [serving_certificates] if serving(run.cluster) else []
        planned[first] = [kubelets, *planned.get(first, ()), settle, *certificates]
    return planned


def run(run: Run) -> None:
    """Put settings in place, workers first; a kubelet that does not come back ends it."""
    planned = deploys(run)
    if run.dry:
        run.round("kubelets", planned)
        return
    first = run.cluster.first.name
    if kubelets in planned.get(first, ()):
        run.round("kubelets", {first: [kubelets]})
    own = {host.name: [configure] for host in run.hosts()}
    preview = run.session.preview("kubelets", own)
    rolled = [host for host in _order(run.hosts()) if _changes(preview, host)]
    run.round("kubelets", {name: own[name] for name in own if name not in _names(rolled)})
    _roll(run, rolled, preview)
    again = deploys(run)
    if settle in again.get(first, ()):
        run.round("kubelets", {first: [settle]})
    approve(run)


def _roll(run: Run, hosts: list[Host], preview: dict[str, HostResult]) -> None:
    for number, host in enumerate(hosts):
        drained = ANOTHER_POLICY in _changes(preview, host)
        try:
            if drained:
                drain(run, host)
            run.round("kubelets", {host.name: [configure]})
            if drained and host.name not in run.session.failures:
                uncordon(run, host)
        except KubeinstallError as error:
            run.session.fail(host.name, error.findings[0])
        if host.name in run.session.failures:
            left = ", ".join(_names(hosts[number + 1 :]))
            if left:
                run.reporter.note(f"stopped here: the kubelets of {left} are as they were")
            return


def _changes(preview: dict[str, HostResult], host: Host) -> list[str]:
    """The ids of the operations that would change something."""
    found = preview.get(host.name)
    return [event.operation_id for event in found.changed] if found else []


def _order(hosts: list[Host]) -> list[Host]:
    """Workers first: what a kubelet does not take is found out there."""
    return sorted(hosts, key=lambda host: host.is_control_plane)


def _names(hosts: list[Host]) -> list[str]:
    return [host.name for host in hosts]
