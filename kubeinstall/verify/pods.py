"""Whether pods of each node reach pods of each other node, tried with pods that run there already.

Nothing is created: a connection is opened inside the network namespace of a pod, with the host's
own programs. A refused connection is an answer: the packet got there and back.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.engine.session import Session
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.resources import script
from kubeinstall.verify.check import Result, step_on

_NAME, _TITLE = "pods.reach_other_nodes", "Pods can reach the pods of every other node"
_MOST = 20
"""Other nodes that one node tries; between them, nodes of a larger cluster try every node."""
_PORT = 9
"""Discard (RFC 863): closed in nearly every pod, so the pod's kernel refuses it."""
_ASK = (
    f"{KUBECTL} get pods,networkpolicies -A -o jsonpath='{{range .items[*]}}{{.kind}} "
    "{.spec.nodeName} {.metadata.namespace} {.metadata.name} {.status.podIP} {.status.phase}"
    """{"\\n"}{end}'"""
)


@dataclass(frozen=True)
class PodAt:
    """A running pod with an address of the pod network.

    Args:
        name: with its namespace, ``kube-system/coredns-...``.
    """

    node: str
    name: str
    address: IPv4Address


def reach(session: Session, cluster: Cluster, asked: str, names: Sequence[str]) -> list[Result]:
    """One result for each host that others are to be reached from.

    Args:
        asked: the control plane that is asked for the pods.
        names: hosts that are connected.
    """
    nodes = {cluster.host(name).hostname: name for name in names}
    if len(nodes) < 2 or asked not in session.alive:
        return []
    began = time.monotonic()
    try:
        answer = session.ask(asked, _ASK)
    except KubeinstallError as error:
        finding = error.findings[0]
        return [_failed(asked, began, finding.what, finding.next)]
    if not answer.ok:
        said = " ".join(answer.stderr.split())
        then = step_on(asked, f"{KUBECTL} get pods -A")
        return [_failed(asked, began, said, then)]
    pods = chosen(answer.stdout, nodes, cluster.spec.network.pods)
    tries = {name: _others(node, pods) for node, name in nodes.items() if node in pods}
    scripts = {
        name: _script(pods[cluster.host(name).hostname], others)
        for name, others in tries.items()
        if others
    }
    answers = session.ask_all(scripts, timeout=60)
    results = [
        _judged(name, pods[cluster.host(name).hostname], tries[name], answers[name].stdout, began)
        for name in answers
    ]
    without = [name for node, name in nodes.items() if node not in pods]
    return [*results, *(_untried(name, began) for name in without)]


def chosen(text: str, nodes: Iterable[str], network: IPv4Network) -> dict[str, PodAt]:
    """For each node one of its pods.

    Args:
        text: lines ``Pod NODE NAMESPACE NAME ADDRESS PHASE`` and ``NetworkPolicy NAMESPACE NAME``;
            what does not fit, and pods that a network policy may keep from answering, are left out.
        network: the pods' network.
    """
    known = set(nodes)
    lines = [line.split() for line in text.splitlines()]
    guarded = {words[1] for words in lines if len(words) == 3 and words[0] == "NetworkPolicy"}
    found: dict[str, PodAt] = {}
    for words in lines:
        if words[:1] != ["Pod"] or len(words) != 6 or words[5] != "Running":
            continue
        _, node, namespace, name, given, _ = words
        try:
            address = IPv4Address(given)
        except ValueError:
            continue
        if node in known and namespace not in guarded and address in network:
            pod = PodAt(node, f"{namespace}/{name}", address)
            if node not in found or namespace == "kube-system":
                found[node] = pod
    return found


def _others(node: str, pods: Mapping[str, PodAt]) -> list[PodAt]:
    """The pods that this node's pod tries: those of the nodes after it, in a ring."""
    ring = sorted(pods)
    at = ring.index(node)
    return [pods[other] for other in [*ring[at + 1 :], *ring[:at]][:_MOST]]


def _script(own: PodAt, others: Sequence[PodAt]) -> str:
    tries = [f"try {shlex.quote(str(other.address))} {_PORT} &" for other in others]
    return "\n".join([script("pods/try", own=str(own.address)), *tries, "wait", "exit 0"])


def _judged(name: str, own: PodAt, others: Sequence[PodAt], text: str, began: float) -> Result:
    """A host's answer: a line ``ADDRESS ok`` or ``ADDRESS REASON`` for each pod that it tried."""
    if text.strip() == "gone":
        why = f"pod {own.name} has ended in the meantime"
        return Result(name, _NAME, _TITLE, message=why, tried=False)
    said = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    lost = [
        f"pod {other.name} on {other.node} ({other.address}): {answer}"
        for other in others
        if (answer := said.get(str(other.address), "it was not tested")) != "ok"
    ]
    if not lost:
        return Result(name, _NAME, _TITLE, seconds=time.monotonic() - began)
    why = f"pod {own.name} cannot reach {'; '.join(lost)}"
    then = "ip route; nft list ruleset; iptables-save | grep -E 'DROP|REJECT'"
    return _failed(name, began, why, step_on(name, then))


def _failed(name: str, began: float, why: str, then: str) -> Result:
    return Result(name, _NAME, _TITLE, True, why, then, time.monotonic() - began)


def _untried(name: str, began: float) -> Result:
    why = (
        "no suitable pod runs on this node (one with its own address, in a namespace without "
        "network policies); `kubeinstall up --only smoke` tests this with an app"
    )
    return Result(name, _NAME, _TITLE, message=why, seconds=time.monotonic() - began, tried=False)
