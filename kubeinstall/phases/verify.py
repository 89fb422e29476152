"""verify: check every host and the cluster over the live connections."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.findings import Finding, Kind
from kubeinstall.phases.run import Run
from kubeinstall.verify.check import Result
from kubeinstall.verify.run import verify


def run(run: Run) -> None:
    """Run the checks; each failed one makes the run fail."""
    results = verify(run.session, run.cluster, [host.name for host in run.hosts()])
    # A host that was lost meanwhile is out, with its own reason.
    failed = [r for r in results if r.failed and r.host not in run.session.failures]
    good = sum(result.good for result in results)
    run.reporter.note(f"{good} of {len(results)} checks passed")
    for why, hosts in _untried(results).items():
        run.reporter.note(f"not tried: {why}", ", ".join(hosts))
    run.errors.extend(
        Finding(Kind.VERIFY, f"{r.title}: {r.message}", r.host, next=r.next) for r in failed
    )


def _untried(results: Sequence[Result]) -> dict[str, list[str]]:
    """What could not be found out, and why, to the hosts that it is so of."""
    found: dict[str, list[str]] = {}
    for result in results:
        if not result.tried:
            found.setdefault(f"{result.title}: {result.message}", []).append(result.host)
    return found
