"""The cluster as it is: nodes, versions, certificates; or why it cannot be asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from kubeinstall.addons.parents import VERSION, noted
from kubeinstall.certificates import CERTIFICATES, expiries
from kubeinstall.cluster.node import Node
from kubeinstall.engine import exits
from kubeinstall.engine.session import Session
from kubeinstall.facts.addons import Addons, AddonState
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.verify.checks.addons import unready_in


@dataclass(frozen=True)
class NodeStatus:
    """One host of the inventory, or a node that the inventory does not know.

    Args:
        ready: ``yes`` or ``no``; ``no node`` for a host that has not joined; ``unknown`` while the
            cluster cannot be asked.
        certificates: the day the first of its certificates ends.
        problem: why it is not reached or not ready.
    """

    name: str
    role: str
    address: str
    ready: str = "unknown"
    version: str = ""
    runtime: str = ""
    certificates: str = ""
    problem: str = ""


@dataclass(frozen=True)
class AddonStatus:
    """An addon that the cluster has.

    Args:
        problem: why it is not ready; empty: it is.
    """

    name: str
    version: str
    problem: str = ""


def addons(session: Session, host: str) -> tuple[list[AddonStatus], str]:
    """Ask for the addons.

    Args:
        host: the control plane that is asked.

    Returns:
        The addons, and why they are not known; empty: they are.
    """
    if host not in session.alive:
        return [], f"{host} cannot be reached"
    try:
        state: AddonState = session.fact(host, Addons)
    except KubeinstallError as error:
        return [], error.findings[0].why or error.findings[0].what
    return [
        AddonStatus(name, noted(parent, VERSION), "; ".join(map(str, unready_in(state, name))))
        for name, parent in sorted(state.parents.items())
    ], state.error


def status(session: Session, cluster: Cluster, items: Sequence[Node] | None) -> list[NodeStatus]:
    """The hosts and the nodes; each host is asked for its certificates' dates.

    Args:
        items: the cluster's nodes; None: it cannot be asked, so nothing is said of nodes.
    """
    answers = session.ask_all(dict.fromkeys(session.alive, CERTIFICATES))
    ends = {name: first_end(answer.stdout) for name, answer in answers.items()}
    nodes = None if items is None else {node.name: node for node in items}
    found = []
    for host in cluster.hosts:
        role = host.role.value.replace("_", "-")
        failure = session.failures.get(host.name)
        common = NodeStatus(
            host.hostname,
            role,
            host.address,
            certificates=ends.get(host.name, ""),
            problem=failure.what if failure else "",
        )
        if nodes is not None:
            common = _with_node(common, nodes.pop(host.hostname, None))
        found.append(common)
    for name, node in (nodes or {}).items():
        stranger = NodeStatus(name, "not in the inventory", str(node.address or ""))
        found.append(_with_node(stranger, node))
    return found


def _with_node(known: NodeStatus, node: Node | None) -> NodeStatus:
    """The status with what the cluster says of the node; None: it has no such node."""
    if node is None:
        return replace(known, ready="no node")
    return replace(
        known,
        ready="yes" if node.is_ready else "no",
        version=f"v{node.version}" if node.version else "",
        runtime=node.runtime_version,
        problem=known.problem or ("" if node.is_ready else node.condition("Ready").message),
    )


def first_end(answer: str) -> str:
    """The day the first certificate ends; empty where there is none."""
    ends: list[datetime] = [end for _, _, end in expiries(answer)]
    return f"{min(ends):%Y-%m-%d}" if ends else ""


_CELL = 100
"""Characters of a cell; nodes say what is in most of them."""
_COLUMNS = ("NAME", "ROLE", "READY", "VERSION", "RUNTIME", "ADDRESS", "CERTIFICATES END")


def as_text(
    statuses: Sequence[NodeStatus],
    addons: Sequence[AddonStatus] = (),
    unasked: str = "",
    addons_unasked: str = "",
) -> str:
    """A table, and below it what is wrong with any of them; then the addons.

    Args:
        unasked: why the cluster cannot be asked; empty: it answered.
        addons_unasked: why its addons are not known.
    """
    rows = [_COLUMNS] + [
        tuple(
            exits.line(cell, _CELL)
            for cell in (s.name, s.role, s.ready, s.version, s.runtime, s.address, s.certificates)
        )
        for s in statuses
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            f"{cell or '-':{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines += [f"the cluster does not answer: {unasked}"] if unasked else []
    lines += [f"{s.name}: {s.problem}" for s in statuses if s.problem]
    if addons_unasked and not unasked:
        lines.append(f"the addons of the cluster cannot be listed: {addons_unasked}")
    if good := [f"{a.name} {a.version}" for a in addons if not a.problem]:
        lines.append(f"addons: {', '.join(good)}")
    lines += [f"addon {a.name} {a.version}: not ready: {a.problem}" for a in addons if a.problem]
    return "\n".join(map(exits.line, lines)) + "\n"


def as_json(
    cluster: Cluster,
    statuses: Sequence[NodeStatus],
    addons: Sequence[AddonStatus] = (),
    unasked: str = "",
    addons_unasked: str = "",
) -> str:
    """``{"version": 1, "cluster": ..., "nodes": [...], "addons": [...], "problem": ...}``.

    Args:
        unasked: why the cluster cannot be asked; empty: it answered.
        addons_unasked: why its addons are not known.
    """
    record = {
        "version": 1,
        "cluster": cluster.spec.name,
        "kubernetes": str(cluster.version),
        "endpoint": cluster.endpoint,
        "nodes": [asdict(s) for s in statuses],
        "addons": [asdict(addon) for addon in addons],
        "problem": unasked or addons_unasked,
    }
    return json.dumps(exits.record(record), indent=2) + "\n"
