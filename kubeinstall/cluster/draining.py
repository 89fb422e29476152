"""Take the pods off a node while it is worked on, and let them come back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from kubeinstall.cluster.kubectl import Kubectl
from kubeinstall.cluster.nodes import Nodes
from kubeinstall.facts.values import listed
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.operations.nodes import CORDONED, uncordon_calls

_SECONDS = 180
_LAST = 20_000
"""Characters of a drain's output that are looked through."""
_BLOCKED = re.compile(r'evicting pods?/?"?([^\s"]+)"? -n "?([^\s"]+)"? .*disruption budget')
# An API server whose own node was worked on may take a moment.
_ANSWERS = """\
for i in $(seq 60); do $kubectl get --raw /readyz >/dev/null 2>&1 && break; sleep 1; done"""


def drain(kubectl: Kubectl, nodes: Nodes, host: Host) -> bool:
    """Cordon a node, remember that it was us, and move its pods elsewhere.

    Args:
        nodes: as the cluster has them now.

    Returns:
        Whether it is ours to uncordon: a node that its user has cordoned is not.

    Raises:
        KubeinstallError: they cannot be moved; the node takes pods again then.
    """
    name = shlex.quote(host.hostname)
    node = nodes.node(host.hostname)
    ours = node is not None and node.is_cordoned_by_us
    if node is None or not node.unschedulable:
        mark = f"$kubectl annotate --overwrite node {name} {CORDONED}=true"
        kubectl.must(f"{mark} && $kubectl cordon {name}")
        ours = True
    answer = kubectl.answer(f"{drain_command(host.hostname, _SECONDS)} 2>&1", timeout=_SECONDS + 30)
    if not answer.output.ok:
        finding = _not_drained(kubectl, host, answer.host, answer.output.stdout)
        uncordon(kubectl, host, ours=ours)
        raise KubeinstallError(finding)
    return ours


def drain_command(node: str, seconds: int, *, force: bool = False) -> str:
    """The kubectl command that cordons a node and evicts its pods.

    Args:
        seconds: it gives up after.
        force: evict pods without a controller as well; nothing creates them again.
    """
    forced = "--force " if force else ""
    options = f"--ignore-daemonsets --delete-emptydir-data {forced}--timeout={seconds}s"
    return f"$kubectl --request-timeout=0 drain {shlex.quote(node)} {options}"


def uncordon(
    kubectl: Kubectl, host: Host, *, ours: bool, annotations: Mapping[str, str] | None = None
) -> None:
    """Let a node take pods again, if it was us who cordoned it.

    Args:
        ours: as ``drain`` returned.
        annotations: for the node to have, set before.

    Raises:
        KubeinstallError: the API server does not do so.
    """
    noted = [f"{key}={value}" for key, value in (annotations or {}).items()]
    calls: list[tuple[str, ...]] = []
    if noted:
        calls.append(("annotate", "--overwrite", "node", host.hostname, *noted))
    if ours:
        calls += uncordon_calls(host.hostname)
    if calls:
        script = " && ".join(f"$kubectl {shlex.join(call)}" for call in calls)
        kubectl.must(f"{_ANSWERS}; {script}", timeout=120)


def _not_drained(kubectl: Kubectl, host: Host, asked: str, said: str) -> Finding:
    why = " / ".join(line for line in said.strip().splitlines() if "rror" in line)[-400:]
    then = f"to see its pods: on {asked}: kubectl get pods -A -o wide"
    blocked = _BLOCKED.search(said[-_LAST:])
    if blocked:
        pod, namespace = blocked[1], blocked[2]
        budgets = ", ".join(_budgets(kubectl, namespace)) or "of its namespace"
        why = (
            f"the PodDisruptionBudget {budgets} does not allow pod {namespace}/{pod} to be evicted"
        )
        budget = f"kubectl -n {shlex.quote(namespace)} get pdb"
        then = f"scale the app up, or change the budget: {budget}; then run the same command again"
    return Finding(Kind.CLUSTER, f"node {host.hostname} cannot be drained", (host.name,), why, then)


def _budgets(kubectl: Kubectl, namespace: str) -> list[str]:
    answer = kubectl.ask(f"$kubectl -n {shlex.quote(namespace)} get pdb -o json")
    try:
        items = listed(answer.stdout)
    except ValueError:
        return []
    blocking = [item for item in items if not item["status"].get("disruptionsAllowed")]
    return [f"{namespace}/{item['metadata']['name']}" for item in blocking]
