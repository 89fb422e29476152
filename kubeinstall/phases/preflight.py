"""preflight: find everything that would stop the run, before anything is changed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from kubeinstall.findings import KubeinstallError
from kubeinstall.phases import addons
from kubeinstall.phases.phase import Run
from kubeinstall.preflight import clocks
from kubeinstall.preflight.identity import renewed
from kubeinstall.preflight.other_sources import advice, lost, question
from kubeinstall.preflight.probe import Probe, script
from kubeinstall.preflight.rules import judge


def run(run: Run) -> None:
    """Probe all hosts at once, tell every finding, and note what deploys need to know.

    A worker with an error is left out of the run.

    Raises:
        KubeinstallError: a control plane has an error, or an addon cannot be rendered; nothing was
            changed.
    """
    hosts = run.hosts()
    questions = {host.name: script(run.cluster, host, hosts) for host in hosts}
    before = time.time()
    answers = run.session.ask_all(questions, timeout=60)
    probes = {name: Probe.parse(answer.stdout) for name, answer in answers.items()}
    run.clocks_off = clocks.off(probes, before, time.time())
    run.systems = {name: probe.system for name, probe in probes.items() if probe.os}
    run.shared_machine_ids = renewed(run.cluster, probes)
    findings = judge(run.cluster, probes, _elsewhere(run, probes))
    for finding in findings:
        if finding.severity == "warning":
            run.reporter.finding(finding)
    errors = [finding for finding in findings if finding.severity == "error"]
    control_planes = {host.name for host in run.cluster.control_planes}
    if any(control_planes.intersection(error.hosts) for error in errors):
        raise KubeinstallError(*errors)
    for error in errors:
        for name in error.hosts:
            run.session.fail(name, error)
    addons.prepare(run)


def _elsewhere(run: Run, probes: Mapping[str, Probe]) -> dict[str, str]:
    """For hosts that do not reach their source: another one that they reach, if there is any."""
    missing = {name: lost(run.cluster, probe) for name, probe in probes.items()}
    questions = {
        name: question(run.cluster, targets) for name, targets in missing.items() if targets
    }
    answers = run.session.ask_all(questions, timeout=30) if questions else {}
    return {
        name: advice(run.cluster, missing[name], Probe.parse(answer.stdout).reach)
        for name, answer in answers.items()
    }
