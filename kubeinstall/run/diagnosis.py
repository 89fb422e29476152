"""Why a host is out: its failure, and what the host itself tells of it."""

from __future__ import annotations

from kubeinstall.diagnose.diagnose import diagnose
from kubeinstall.diagnose.evidence import SCRIPT, Evidence
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases.phase import Run

_ASK_IN = ("runtime", "control-plane", "workers", "network", "kubelets")


def explain(run: Run, host: str, finding: Finding) -> Finding:
    """The finding with its likely cause; only a failed operation has one to look for."""
    if finding.kind is not Kind.OPERATION:
        return finding
    evidence = None
    if run.phase in _ASK_IN:
        try:
            answer = run.session.ask(host, SCRIPT, timeout=30)
            evidence = Evidence.parse(answer.stdout)
        except KubeinstallError:
            evidence = None
    return diagnose(finding, run.failed_output.get(host, ""), evidence)
