"""smoke: a small app on the cluster, tried from every side and then removed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import permutations
from typing import Any

from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.cluster.conditions import (
    barred,
    condition,
    of_hosts,
    pending_pods,
    schedulable,
)
from kubeinstall.cluster.node import Node
from kubeinstall.cluster.pending import Memory
from kubeinstall.facts.values import dns_name, ipv4, port
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases.phase import Run
from kubeinstall.resources import script
from kubeinstall.templates import render

NAMESPACE = "kubeinstall-smoke"
_K = f"$kubectl -n {NAMESPACE}"
_MOST_REPLICAS = 3
_PAUSE = 0.5
# Kubelets and the namespace's controller take half a minute between them to agree that a pod is
# gone; nobody has to wait for that with an app that is not needed any more.
_EMPTY = f"""
there=$($kubectl get namespace {NAMESPACE} --ignore-not-found -o name) || exit 1
[ "$there" ] || exit 0
{{
  {_K} scale deployment --all --replicas=0
  {_K} delete pods --all --grace-period=0 --force --wait=false
  {_K} delete deployment,service --all
}} >/dev/null 2>&1
"""
_DELETE = f"$kubectl --request-timeout=0 delete namespace {NAMESPACE} --ignore-not-found"
_GET = script("smoke/try")


@dataclass(frozen=True)
class Pod:
    """A pod of the app.

    Args:
        node: empty until it is scheduled.
        address: None until it has one.
    """

    name: str
    node: str
    address: IPv4Address | None
    ready: bool

    @classmethod
    def of(cls, item: dict[str, Any]) -> Pod:
        """Read an object.

        Raises:
            ValueError: a name or the address is none.
        """
        node, address = item["spec"].get("nodeName"), item["status"].get("podIP")
        return cls(
            dns_name(item["metadata"].get("name")),
            dns_name(node) if node else "",
            ipv4(address) if address else None,
            condition(item, "Ready").get("status") == "True" and bool(address),
        )


@dataclass(frozen=True)
class Try:
    """What a pod of the app has to get an answer from.

    Args:
        what: what it tries, in words.
    """

    pod: Pod
    url: str
    what: str


def run(run: Run) -> None:
    """Deploy the app, try it, remove it; skipped where nothing was changed.

    Raises:
        KubeinstallError: something did not work, and why.
    """
    if run.smoke is False or (run.smoke is None and not run.changed and not _left(run)):
        why = "--no-smoke" if run.smoke is False else "nothing was changed; --smoke runs it anyway"
        run.reporter.note(f"not run: {why}")
        return
    items = _of_hosts(run, run.kubectl.nodes())
    tolerated = run.cluster.release.control_plane_taints
    nodes = places(items, tolerated)
    if not nodes:
        reasons = "; ".join(f"{node.name}: {barred(node, tolerated)}" for node in items)
        raise _failed(run, "no node accepts pods", reasons or "there are no nodes")
    remove(run, wait=True)
    try:
        _try(run, nodes)
    except BaseException:
        # Why it failed matters more than whether it could be removed.
        with suppress(KubeinstallError):
            remove(run)
        raise
    remove(run)
    run.reporter.note("the smoke app was removed")


def _of_hosts(run: Run, nodes: Iterable[Node]) -> list[Node]:
    """The nodes of hosts that are not out: one that was just switched off may be Ready still."""
    out = {run.cluster.host(name).hostname for name in run.session.failures}
    found = of_hosts(run.cluster, nodes)
    return [node for node in found if node.name not in out]


def places(nodes: Sequence[Node], control_plane_taints: Sequence[str]) -> list[str]:
    """Where the app runs: on workers; with fewer than two of those on control planes as well."""
    workers = schedulable(nodes)
    return workers if len(workers) > 1 else schedulable(nodes, control_plane_taints)


def _left(run: Run) -> bool:
    """Whether an earlier smoke test was cut off and left its app: then it is run again."""
    phase = "-o 'jsonpath={.status.phase}'"
    command = f"$kubectl get namespace {NAMESPACE} --ignore-not-found {phase}"
    return run.kubectl.must(command).strip() == "Active"


def remove(run: Run, *, wait: bool = False) -> None:
    """Remove the app, also what an earlier run that was killed has left.

    Args:
        wait: until its namespace is gone, which the cluster deletes five seconds later (Kubernetes,
            pkg/controller/namespace, namespaceDeletionGracePeriod). What ran in it is gone anyway.
    """
    how = "--timeout=120s" if wait else "--wait=false"
    run.kubectl.must(f"{_EMPTY}{_DELETE} {how}", timeout=150)


def _try(run: Run, nodes: list[str]) -> None:
    replicas = min(max(2, len(nodes)), _MOST_REPLICAS)
    app = render(
        "smoke/app.yaml.j2",
        namespace=NAMESPACE,
        replicas=replicas,
        nodes=nodes,
        image=run.cluster.spec.smoke.image,
        tolerated=run.cluster.release.control_plane_taints,
    )
    run.kubectl.must("$kubectl apply -f - >/dev/null", stdin=app)
    pods = _wait_for(run, replicas)
    on = sorted({pod.node for pod in pods})
    run.reporter.note(f"{replicas} pods run on {', '.join(on)}")
    _pod_to_pod(run, pods)
    _service(run)
    if run.cluster.spec.kubeadm.installs("coredns"):
        name = f"web.{NAMESPACE}.svc.{run.cluster.spec.network.dns_domain}"
        _from_pods(run, [Try(pods[0], f"http://{name}/hostname", "DNS")])
        run.reporter.note(f"the Service answers at its name {name}")
    gone = pods[0].name
    run.kubectl.must(
        f"{_K} scale deployment web --replicas={replicas + 1} >/dev/null &&\n"
        f"{_K} delete pod {shlex.quote(gone)} --ignore-not-found --wait=false >/dev/null"
    )
    _wait_for(run, replicas + 1, without=gone)
    run.reporter.note(f"scaled up to {replicas + 1} pods; deleted pod {gone}; it was replaced")


def _wait_for(run: Run, count: int, without: str = "") -> list[Pod]:
    """Wait until exactly that many pods of the app are there, apart from leaving ones, and Ready.

    Args:
        without: the name of a pod that must not be among them.
    """
    items: list[dict[str, Any]] = []
    memory = Memory()

    def met() -> list[Pod]:
        found = run.kubectl.items(f"{_K} get pods -o json")
        items[:] = [item for item in found if "deletionTimestamp" not in item["metadata"]]
        try:
            pods = [Pod.of(item) for item in items]
        except ValueError as error:
            raise _failed(run, "a pod has an invalid field", str(error)) from None
        good = [pod for pod in pods if pod.ready]
        return good if len(good) == len(pods) == count and without not in names(pods) else []

    def why() -> str:
        waiting = memory.recall(pending_pods(items))
        said = "; ".join(str(item) for item in waiting) or f"there are {len(items)} pods"
        if any(item.final for item in waiting):
            raise _failed(run, f"{count} pods cannot become Ready", said)
        return said

    return _until(run, f"{count} Ready pods", met, why)


def names(pods: Sequence[Pod]) -> set[str]:
    return {pod.name for pod in pods}


def _until(run: Run, what: str, met: Callable[[], list[Pod]], why: Callable[[], str]) -> list[Pod]:
    """Ask until there is an answer, at most as long as the inventory says."""
    deadline = time.monotonic() + run.cluster.spec.smoke.timeout
    while not (answer := met()):
        run.reporter.waiting(f"{what} ({why()[:160]})")
        if time.monotonic() > deadline:
            timeout = run.cluster.spec.smoke.timeout
            raise _failed(run, f"timed out after {timeout} s waiting for {what}", why())
        time.sleep(_PAUSE)
    return answer


def _pod_to_pod(run: Run, pods: list[Pod]) -> None:
    """Each pod asks each other one: traffic may get through one way and not the other."""
    _from_pods(
        run,
        [
            Try(here, f"http://{there.address}:8080/hostname", f"pod to pod on {there.node}")
            for here, there in permutations(pods, 2)
        ],
    )
    across = len({pod.node for pod in pods}) > 1
    run.reporter.note(f"pods can reach each other{' across nodes' if across else ''}")


def _from_pods(run: Run, tries: Sequence[Try]) -> None:
    """Fetch URLs inside pods, all pods at once, and again for some seconds."""
    urls: dict[str, list[str]] = {}
    for one in tries:
        urls.setdefault(one.pod.name, []).append(one.url)
    words = [" ".join([name, *of_pod]) for name, of_pod in urls.items()]
    answer = run.kubectl.ask(
        script("smoke/from_pods", words, namespace=NAMESPACE, kubectl=KUBECTL), timeout=90
    )
    for one in tries:
        name = f"{one.pod.name} "
        lines = [s.removeprefix(name) for s in answer.stdout.splitlines() if s.startswith(name)]
        if f"{one.url} ok" not in lines:
            failed = f"{one.url} failed "
            own = [s.removeprefix(failed) for s in lines if s.startswith(failed)]
            why = (own or lines[-1:] or [answer.stderr])[0]
            where = f"{name}on {one.pod.node}"
            raise _failed(run, f"{one.what}: {where} does not get an answer from {one.url}", why)


def _service(run: Run) -> None:
    """The Service answers by ClusterIP and NodePort on every host that is in the run."""
    address, node_port = _ways(run)
    hosts = [run.cluster.host(name) for name in run.session.alive]
    questions = {}
    for host, other in zip(hosts, [*hosts[1:], hosts[0]], strict=True):
        questions[host.name] = (
            f"{_GET}\ntry {address} 80 ClusterIP\n"
            f"try {shlex.quote(host.node_ip)} {node_port} NodePort\n"
            f"try {shlex.quote(other.node_ip)} {node_port} "
            f"{shlex.quote(f'NodePort of {other.name}')}\n"
        )
    answers = run.session.ask_all(questions, timeout=120)
    failed = [
        _finding(run, f"the Service does not answer from {name}: {line}", answer.stderr)
        for name, answer in answers.items()
        for line in answer.stdout.splitlines() or ["no answer"]
        if not line.endswith(" ok")
    ]
    if failed:
        raise KubeinstallError(*failed)
    run.reporter.note(f"the Service answers at its ClusterIP and NodePort on {len(answers)} hosts")


def _ways(run: Run) -> tuple[IPv4Address, int]:
    """The Service's address, and its port on every host."""
    service = run.kubectl.get(f"{_K} get service web -o json")
    try:
        spec = service["spec"]
        address, node_port = ipv4(spec["clusterIP"]), port(spec["ports"][0]["nodePort"])
        if address not in run.cluster.spec.network.services:
            raise ValueError(f"{address} is not in {run.cluster.spec.network.services}")
    except (ValueError, LookupError, TypeError) as error:
        raise _failed(run, "the Service has an invalid field", str(error)) from None
    return address, node_port


def _finding(run: Run, what: str, why: str) -> Finding:
    host = run.answering.host()
    then = f"on {host}: {KUBECTL} get nodes,pods,events -A -o wide"
    return Finding(Kind.CLUSTER, f"smoke test: {what}", (host,), why.strip(), then)


def _failed(run: Run, what: str, why: str) -> KubeinstallError:
    return KubeinstallError(_finding(run, what, why))
