"""kubelets: each node's own settings; what has changed is put in place one node at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kubeinstall.cluster.node import Node
from kubeinstall.cluster.node_settings import changes
from kubeinstall.cluster.rolling import Progress, Rolled, Turn
from kubeinstall.deploys.kubernetes.kubelet import ANOTHER_POLICY, Inputs, configure
from kubeinstall.deploys.kubernetes.nodes import (
    Kubelets,
    KubeletsInputs,
    LabelInputs,
    kubelets,
    label,
)
from kubeinstall.deploys.kubernetes.serving_certificates import serving
from kubeinstall.engine.types import Deploys, HostResult, Step
from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Host
from kubeinstall.phases.kubelets.serving_certificates import approval, approve
from kubeinstall.phases.phase import Run


def deploys(run: Run) -> Deploys:
    """On every host its kubelet; on one control plane what the cluster keeps as well."""
    planned: dict[str, list[Step[Any]]] = dict(_own(run))
    if _known(run):
        asked = run.answering.host()
        certificates = [approval(run)] if serving(run.cluster) else []
        planned[asked] = [*_shared(run), *planned.get(asked, ()), *_settled(run), *certificates]
    return planned


def run(run: Run) -> None:
    """Put settings in place, workers first; a kubelet that does not come back ends it."""
    if run.dry:
        run.round("kubelets", deploys(run))
        return
    own = _own(run)
    if shared := _shared(run):
        run.round("kubelets", {run.answering.host(): shared})
    preview = run.session.preview("kubelets", own)
    rolled = [host for host in _order(run.hosts()) if _changes(preview, host)]
    run.round("kubelets", {name: own[name] for name in own if name not in _names(rolled)})
    left = _roll(run, rolled, own, preview).left
    if left:
        names = ", ".join(_names(left))
        run.reporter.note(f"stopped here: the kubelets of {names} are unchanged")
    if settled := _settled(run):
        run.round("kubelets", {run.answering.host(): settled})
    approve(run)


def _own(run: Run) -> dict[str, list[Step[Inputs]]]:
    """Each host's kubelet."""
    hosts = run.hosts()
    shared = _kubelets(run) if hosts else None
    config = shared.config if shared else None
    return {host.name: [Step(configure, Inputs(run.cluster, host, config))] for host in hosts}


def _shared(run: Run) -> list[Step[KubeletsInputs]]:
    """The configuration that all kubelets share."""
    if not _known(run):
        return []
    asked = run.cluster.host(run.answering.host())
    return [Step(kubelets, KubeletsInputs(run.cluster, asked, _kubelets(run)))]


def _settled(run: Run) -> list[Step[LabelInputs]]:
    """What the cluster keeps of its nodes."""
    known = _known(run)
    if not known:
        return []
    nodes = run.nodes()
    noted = nodes.owned or {}
    settings = [
        changes(run.cluster, run.cluster.host(name), node, noted.get(node.name, ""))
        for name, node in known.items()
    ]
    changed = next((number for number, one in enumerate(settings) if one.any), None)
    if changed is not None and nodes.owned is None:
        settings[changed] = replace(settings[changed], create_notes=True)
    cordoned = [node.name for node in known.values() if node.is_cordoned_by_us]
    asked = run.cluster.host(run.answering.host())
    return [Step(label, LabelInputs(run.cluster, asked, settings, cordoned))]


def _known(run: Run) -> dict[str, Node]:
    """Hosts and their nodes; none where no control plane can be told anything of them."""
    known = {h.name: node for h in run.hosts() if (node := run.nodes().node(h.hostname))}
    return known if run.answering.usable else {}


def _kubelets(run: Run) -> Kubelets | None:
    return Kubelets.of(run.cluster, run.nodes().kubelets)


def _roll(
    run: Run,
    hosts: list[Host],
    own: Mapping[str, Sequence[Step[Inputs]]],
    preview: dict[str, HostResult],
) -> Rolled:
    """One node at a time; drained only where its pods would not survive the change."""

    def act(these: Sequence[Host]) -> dict[str, Finding]:
        run.round("kubelets", {host.name: own[host.name] for host in these})
        return run.failed(these)

    def told(progress: Progress, host: Host) -> None:
        if progress is Progress.DRAIN:
            run.reporter.waiting(f"{host.hostname} is being drained")

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
