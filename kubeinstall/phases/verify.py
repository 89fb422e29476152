"""verify: check every host and the cluster over the live connections."""

from __future__ import annotations

from kubeinstall.findings import Finding, Kind
from kubeinstall.phases.run import Run
from kubeinstall.verify.run import verify


def run(run: Run) -> None:
    """Run the checks; each failed one makes the run fail."""
    results = verify(run.session, run.cluster, [host.name for host in run.hosts()])
    # A host that was lost meanwhile is out, with its own reason.
    failed = [r for r in results if r.failed and r.host not in run.session.failures]
    run.reporter.note(f"{len(results) - len(failed)} of {len(results)} checks passed")
    run.errors.extend(
        Finding(Kind.VERIFY, f"{r.title}: {r.message}", r.host, next=r.next) for r in failed
    )
