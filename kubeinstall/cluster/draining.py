"""Take the pods off a node while it is worked on, and let them come back."""

from __future__ import annotations

import re
import shlex

from kubeinstall.cluster import kubectl
from kubeinstall.cluster.nodes import SOCKET
from kubeinstall.facts.values import listed
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.operations.nodes import CORDONED, uncordon_calls
from kubeinstall.phases.phase import Run

_SECONDS = 180
_LAST = 20_000
"""Characters of a drain's output that are looked through."""
_BLOCKED = re.compile(r'evicting pods?/?"?([^\s"]+)"? -n "?([^\s"]+)"? .*disruption budget')
# An API server whose own node was worked on may take a moment.
_ANSWERS = """\
for i in $(seq 60); do $kubectl get --raw /readyz >/dev/null 2>&1 && break; sleep 1; done"""


def drain(run: Run, host: Host) -> None:
    """Cordon a node, remember that it was us, and move its pods elsewhere.

    Raises:
        KubeinstallError: they cannot be moved; the node takes pods again then.
    """
    name = shlex.quote(host.hostname)
    if not run.nodes().node(host.hostname).get("spec", {}).get("unschedulable"):
        mark = f"$kubectl annotate --overwrite node {name} {CORDONED}=true"
        kubectl.must(run, f"{mark} && $kubectl cordon {name}")
        run.forget_nodes()
    run.reporter.waiting(f"{host.hostname} is drained")
    options = f"--ignore-daemonsets --delete-emptydir-data --timeout={_SECONDS}s"
    command = f"$kubectl --request-timeout=0 drain {name} {options} 2>&1"
    answer = kubectl.ask(run, command, timeout=_SECONDS + 30)
    if not answer.ok:
        finding = _not_drained(run, host, answer.stdout)
        uncordon(run, host)
        raise KubeinstallError(finding)


def uncordon(run: Run, host: Host, socket: str = "") -> None:
    """Let a node take pods again, if it was us who cordoned it.

    Args:
        socket: of its new runtime, for kubeadm to know; empty: the runtime is the old one.

    Raises:
        KubeinstallError: the API server does not do so.
    """
    calls: list[tuple[str, ...]] = []
    # From 1.34 on kubeadm keeps it on the node itself.
    if socket and SOCKET in run.nodes().annotations(host.hostname):
        calls.append(("annotate", "--overwrite", "node", host.hostname, f"{SOCKET}={socket}"))
    if host.hostname in run.nodes().cordoned:
        calls += uncordon_calls(host.hostname)
    if calls:
        script = " && ".join(f"$kubectl {shlex.join(call)}" for call in calls)
        kubectl.must(run, f"{_ANSWERS}; {script}", timeout=120)
        run.forget_nodes()


def _not_drained(run: Run, host: Host, said: str) -> Finding:
    first = run.cluster.first.name
    why = " / ".join(line for line in said.strip().splitlines() if "rror" in line)[-400:]
    then = f"see what keeps its pods: on {first}: kubectl get pods -A -o wide"
    blocked = _BLOCKED.search(said[-_LAST:])
    if blocked:
        pod, namespace = blocked[1], blocked[2]
        budgets = ", ".join(_budgets(run, namespace)) or "of its namespace"
        why = (
            f"the PodDisruptionBudget {budgets} does not allow pod {namespace}/{pod} to be evicted"
        )
        budget = f"kubectl -n {shlex.quote(namespace)} get pdb"
        then = f"scale the app up, or change the budget: {budget}; then `up`"
    return Finding(Kind.CLUSTER, f"node {host.hostname} cannot be drained", (host.name,), why, then)


def _budgets(run: Run, namespace: str) -> list[str]:
    answer = kubectl.ask(run, f"$kubectl -n {shlex.quote(namespace)} get pdb -o json")
    try:
        items = listed(answer.stdout)
    except ValueError:
        return []
    blocking = [item for item in items if not item["status"].get("disruptionsAllowed")]
    return [f"{namespace}/{item['metadata']['name']}" for item in blocking]
