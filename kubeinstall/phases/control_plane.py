"""control-plane: kubeadm init on the first control plane, or what lacks of one put back."""

from __future__ import annotations

from kubeinstall.deploys.inputs import Inputs
from kubeinstall.deploys.kubernetes.control_plane import complete, init
from kubeinstall.deploys.kubernetes.control_plane_arguments import keep
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.facts.control_plane import ControlPlane, ControlPlaneState
from kubeinstall.facts.files import File, FileState
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files.control_plane import documents_in_use, question, wanted
from kubeinstall.findings import Finding, Kind
from kubeinstall.operations.control_plane_decision import Action, decide, words
from kubeinstall.phases.phase import Run


def deploys(run: Run) -> Deploys:
    """On the first control plane, if it is in the run."""
    first = run.cluster.first
    inputs = Inputs(run.cluster, first)
    steps = [Step(deploy, inputs) for deploy in (init, complete, keep)]
    return {first.name: steps} if first in run.hosts() else {}


def run(run: Run) -> None:
    """Make the control plane, or put back what lacks of it; its kubeadm's output is streamed.

    What lacks in the cluster, and what has to change of it, is only known once it answers.
    """
    for name, steps in deploys(run).items():
        if not _allowed(run, name):
            return
        for step in steps:
            run.round("control-plane", {name: [step]})
            if name in run.session.failures:
                return
            if (
                step.deploy is init
                and run.changed
                and not run.dry
                and not _allowed(run, name, made=True)
            ):
                return


def _allowed(run: Run, name: str, *, made: bool = False) -> bool:
    """Whether to go on; a host whose control plane must not be touched is out, with the reason.

    Args:
        made: a control plane has to be there by now, whatever kubeadm said.
    """
    session, cluster = run.session, run.cluster
    state: ControlPlaneState = session.fact(name, ControlPlane, **question(cluster))
    noted: FileState | None = session.fact(name, File, path=kubeadm_files.CONFIG)
    text = (noted.text if noted else "") or ""
    inventory = wanted(cluster, documents_in_use(cluster, state.configuration, text))
    decision = decide(state, inventory)
    if decision.action is Action.REFUSE:
        reset = cluster.command("reset", "--limit", name)
        said = words(decision, state, inventory, reset)
        session.fail(name, Finding(Kind.CLUSTER, said.what, (name,), said.why, said.next))
    elif made and decision.action is not Action.KEEP:
        session.fail(
            name,
            Finding(
                Kind.CLUSTER,
                "kubeadm init exited without an error, but there is no control plane",
                (name,),
                state.why or "its API server does not answer",
                f"on {name}: ls -l /etc/kubernetes /etc/kubernetes/manifests; "
                "journalctl -u kubelet -n 50",
            ),
        )
    return name not in session.failures
