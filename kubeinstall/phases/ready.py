"""ready: wait until every node is Ready and every pod of kube-system runs.

Pods of addons are waited for where those are applied: else an addon that cannot run would keep
away the phase that mends it.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubeinstall.cluster.absent import absent, left, lost_dns, move_dns
from kubeinstall.cluster.commands import KUBECTL, KUBELET_LOG
from kubeinstall.cluster.conditions import (
    Json,
    has_network,
    missing_static_pods,
    of_hosts,
    pending_nodes,
    pending_pods,
    pressed_nodes,
    static_pods,
    without_pods_of,
)
from kubeinstall.cluster.node import Node, parsed
from kubeinstall.cluster.pending import Memory, Pending
from kubeinstall.deploys.addons import question
from kubeinstall.facts.addons import Addons
from kubeinstall.facts.values import listed, seconds
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases.phase import Run

_SECONDS = 300.0
_PAUSE = 1.0
# In one call: a program of that size starts slowly.
_QUESTION = """
$kubectl -n kube-system get nodes,pods -o json && printf '\\036' && date +%s
"""


def run(run: Run) -> None:
    """Wait for the condition; what is waited for is told whenever it changes.

    Raises:
        KubeinstallError: it did not come about; a finding for each node or pod, with its reason.
    """
    began = time.monotonic()
    memory = Memory()
    asked = run.answering.host()
    addons = run.session.fact(asked, Addons, **question(run.cluster)).objects
    seen = _Seen()
    while pending := memory.recall(_pending(run, addons, seen)):
        seconds = time.monotonic() - began
        final = [item for item in pending if item.final]
        if final or seconds > _SECONDS:
            raise KubeinstallError(*(_finding(run, item, seconds) for item in final or pending))
        run.reporter.waiting(_summary(pending))
        time.sleep(_PAUSE)
    for name, count in seen.left.items():
        run.reporter.note(
            f"node {name} is not Ready and not part of this run; number of its pods that are "
            "ignored: "
            f"{count}"
        )
    # Not waited for: a kubelet takes it back five minutes after there is room again, at best.
    pressed = pressed_nodes(of_hosts(run.cluster, seen.nodes))
    run.errors.extend(_under_pressure(run, item) for item in pressed)


@dataclass
class _Seen:
    """What the API server told last.

    Args:
        nodes: the nodes.
        left: how many pods are on each node that is absent.
    """

    nodes: Sequence[Node] = ()
    left: Mapping[str, int] = field(default_factory=dict)


def _pending(run: Run, addons: Sequence[Json], seen: _Seen) -> list[Pending]:
    """What is not ready now; hosts that are out are not waited for, nor nodes that are absent.

    Args:
        addons: objects whose pods are not, either.
        seen: becomes what the API server tells.
    """
    asked = run.kubectl.answer(_QUESTION)
    answer = asked.output
    try:
        told, now = answer.stdout.split("\036")
        objects = listed(told)
        nodes, pod_list = ([o for o in objects if o.get("kind") == k] for k in ("Node", "Pod"))
        node_list, clock = parsed(nodes), seconds(now.strip())
    except ValueError:
        said = " ".join(answer.stderr.split()) or "no answer"
        return [
            Pending("", "the API server", message=said, node=run.cluster.host(asked.host).hostname)
        ]
    out = {run.cluster.host(name).hostname for name in run.session.failures}
    away = absent(run.hosts(), node_list)
    seen.nodes, seen.left = node_list, left(pod_list, away)
    gone, where = lost_dns(pod_list, away, node_list)
    if gone:
        move_dns(run.kubectl, gone)
        run.changed = True
        run.reporter.note(
            f"every CoreDNS pod was on {', '.join(where)}, which is not Ready; they are being "
            "replaced "
            "on other nodes"
        )
        return [Pending("", "CoreDNS", message=f"its pods were on {', '.join(where)}")]
    waited = [host.hostname for host in run.cluster.hosts if host.hostname not in out]
    if run.limit is not None:
        waited = [h.hostname for h in run.hosts()]
    networked = has_network(run.cluster, node_list)
    found = [
        *pending_nodes(node_list, waited, networked=networked),
        *missing_static_pods(pod_list, static_pods(run.cluster)),
        *pending_pods(without_pods_of(addons, pod_list), clock, networked=networked),
    ]
    return [item for item in found if item.node not in out | away]


def _summary(pending: list[Pending]) -> str:
    first = str(pending[0])
    more = f", and {len(pending) - 1} more" if len(pending) > 1 else ""
    return f"{first[:200]}{more}"


def _under_pressure(run: Run, item: Pending) -> Finding:
    host = next((h.name for h in run.cluster.hosts if h.hostname == item.node), item.node)
    return Finding(
        Kind.CLUSTER,
        f"{item.what} does not accept new pods",
        (host,),
        item.why,
        f"free space or memory on {host} (df -h; df -i; free -m); the kubelet accepts pods again "
        "about five minutes later",
    )


def _finding(run: Run, item: Pending, seconds: float) -> Finding:
    """A pending node or pod with the next command to look into it.

    Args:
        seconds: how long it was waited for.
    """
    asked = run.answering.host()
    host = next((h.name for h in run.cluster.hosts if h.hostname == item.node), asked)
    why = item.why
    if item.kind == "Pod":
        namespace, pod = item.namespace, item.name
        then = f"on {asked}: {KUBECTL} -n {shlex.quote(namespace)} describe pod {shlex.quote(pod)}"
        if item.container:
            log = run.kubectl.ask(
                "$kubectl -n "
                + shlex.join((namespace, "logs", pod, "-c", item.container))
                + " --tail=3 --previous",
            )
            last = " / ".join(log.stdout.strip().splitlines())
            if last:
                why = f"{why}; its last log lines: {last}"
    else:
        then = f"on {host}: {KUBELET_LOG}"
    what = f"{item.what} is not ready" + ("" if item.final else f" after {seconds:.0f} s")
    return Finding(Kind.CLUSTER, what, (host,), why, then)
