"""verify: check every host and the cluster over the live connections."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.findings import Finding, Kind
from kubeinstall.phases.connect import compare
from kubeinstall.phases.phase import Run
from kubeinstall.preflight.running_cluster import Compared
from kubeinstall.verify.check import Result
from kubeinstall.verify.run import verify

_TITLE = "The running cluster matches the settings that cannot be changed"


def run(run: Run) -> None:
    """Run the checks; each failed one makes the run fail."""
    # What the guard found has been told when the run connected.
    results = verify(
        run.session, run.cluster, run.answering.host(), [host.name for host in run.hosts()]
    )
    # A host that was lost meanwhile is out, with its own reason.
    failed = [r for r in results if r.failed and r.host not in run.session.failures]
    good = sum(result.good for result in results)
    run.reporter.note(f"{good} of {len(results)} checks passed")
    for why, hosts in _untried(results).items():
        run.reporter.note(f"not run: {why}", ", ".join(hosts))
    run.errors.extend(
        Finding(Kind.VERIFY, f"{r.title}: {r.message}", (r.host,), next=r.next) for r in failed
    )


def _untried(results: Sequence[Result]) -> dict[str, list[str]]:
    """What could not be found out, and why, to the hosts that it is so of."""
    found: dict[str, list[str]] = {}
    for result in results:
        if not result.tried:
            found.setdefault(f"{result.title}: {result.message}", []).append(result.host)
    return found


def check(run: Run) -> tuple[list[Result], list[Finding]]:
    """Check the hosts that are connected, and their cluster against the inventory.

    Returns:
        the results, and what is no fault of the cluster but worth a warning.

    Raises:
        KubeinstallError: the connection to the control plane is lost.
    """
    found = compare(run)
    results = verify(run.session, run.cluster, run.answering.host(), run.session.alive)
    order = [host.name for host in run.cluster.hosts]
    together = sorted([*_compared(run, found), *results], key=lambda r: order.index(r.host))
    return together, list(found.warnings)


def _compared(run: Run, found: Compared) -> list[Result]:
    """A result for each thing that the inventory says otherwise than the cluster, or a good one."""
    asked, name = run.asked().host, "guard.the_cluster_is_the_inventorys"
    wrong = [
        Result(f.hosts[0] if f.hosts else asked, name, _TITLE, True, f.what, f.next)
        for f in (*found.stops, *found.out.values())
    ]
    good = [Result(asked, name, _TITLE)] if asked in run.session.alive else []
    return wrong or good
