"""The certificates that kubelets show: wait until they are asked for, and approve them."""

from __future__ import annotations

import time

from kubeinstall.deploys.inputs import Inputs
from kubeinstall.deploys.kubernetes.serving_certificates import owner, serving, serving_certificates
from kubeinstall.engine.types import Step
from kubeinstall.facts.serving_certificates import REQUESTS, pending
from kubeinstall.phases.phase import Run

_SECONDS = 30.0
_PAUSE = 1.0
_HAS = "[ -e /var/lib/kubelet/pki/kubelet-server-current.pem ] && echo yes || true"


def approve(run: Run) -> None:
    """Approve what kubelets ask for.

    A kubelet that has just started asks some seconds later: that is waited for. One that does not
    ask in time is approved by the next run, and told.
    """
    hosts = serving(run.cluster)
    if not hosts or not run.answering.usable:
        return
    if run.changed and not run.dry:
        _await(run)
    run.round("kubelets", {run.answering.host(): [approval(run)]})


def approval(run: Run) -> Step[Inputs]:
    """The step on a control plane that approves what kubelets ask for."""
    host = run.cluster.host(run.answering.host())
    return Step(serving_certificates, Inputs(run.cluster, host))


def _await(run: Run) -> None:
    """Wait until every kubelet has asked that has no certificate yet."""
    deadline = time.monotonic() + _SECONDS
    hosts = [h for h in serving(run.cluster) if h.name in run.session.alive]
    while True:
        answers = run.session.ask_all({h.name: _HAS for h in hosts})
        without = {name for name, answer in answers.items() if not answer.stdout.strip()}
        requests = pending(run.kubectl.ask(f"$kubectl {REQUESTS}").stdout) if without else []
        asking = {found.name for request in requests if (found := owner(request, hosts))}
        if without <= asking:
            break
        missing = ", ".join(sorted(without - asking))
        if time.monotonic() > deadline:
            run.reporter.note(
                f"the kubelet of {missing} has not requested a serving certificate: run `up` "
                "again later; to see why, on that host: journalctl -u kubelet"
            )
            break
        run.reporter.waiting(
            f"the kubelet of {missing} has not requested its serving certificate yet"
        )
        time.sleep(_PAUSE)
    run.session.forget(run.answering.host())
