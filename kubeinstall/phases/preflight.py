"""preflight: find everything that would stop the run, before anything is changed."""

from __future__ import annotations

from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.phases.probe import Probe, script
from kubeinstall.phases.rules import judge
from kubeinstall.phases.run import Run


def run(run: Run) -> None:
    """Probe all hosts at once and tell every finding.

    A worker with an error is left out of the run.

    Raises:
        KubeinstallError: a control plane has an error; nothing was changed.
    """
    hosts = run.hosts()
    questions = {host.name: script(run.cluster, host, hosts) for host in hosts}
    answers = run.session.ask_all(questions, timeout=60)
    probes = {name: Probe.parse(answer.stdout) for name, answer in answers.items()}
    findings = judge(run.cluster, probes)
    for finding in findings:
        if finding.severity == "warning":
            run.reporter.finding(finding)
    errors = [finding for finding in findings if finding.severity == "error"]
    control_planes = {host.name for host in run.cluster.control_planes}
    if any(_names(error) & control_planes for error in errors):
        raise KubeinstallError(*errors)
    for error in errors:
        for name in _names(error):
            run.session.fail(name, error)


def _names(finding: Finding) -> set[str]:
    """The hosts that a finding is about."""
    return set(finding.where.split(", "))
