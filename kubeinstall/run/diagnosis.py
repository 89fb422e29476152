"""Why a host is out: its failure, and what the host itself tells of it."""

from __future__ import annotations

from kubeinstall.diagnose.diagnose import diagnose
from kubeinstall.diagnose.evidence import SCRIPT, Evidence
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases.phase import Phase, Run


def diagnosed(run: Run, phase: Phase, host: str, finding: Finding) -> Finding:
    """The finding with its likely cause; only a failed operation has one to look for.

    Args:
        phase: the one in which the host failed.
    """
    if finding.kind is not Kind.OPERATION:
        return finding
    evidence = None
    if phase.asks_why:
        try:
            answer = run.session.ask(host, SCRIPT, timeout=30)
            evidence = Evidence.parse(answer.stdout)
        except KubeinstallError:
            evidence = None
    return diagnose(finding, run.failed_output.get(host, ""), evidence)
