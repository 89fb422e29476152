"""A stopped lab with a cluster on its disks: started, and awaited until the cluster is alive."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.findings import KubeinstallError
from kubeinstall.lab import lab as labs
from kubeinstall.lab import life, machine
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.life import Signs
from kubeinstall.lab.plan import LabHost, LabPlan, Progress, Purpose

_ASK = "; ".join(
    rf"{kubectl(Timeout.POLL)} get --raw {path} || exit; printf '\036'" for path in life.PATHS
)


def control_planes(lab: LabPlan) -> tuple[LabHost, ...]:
    """The hosts with a control plane on their disks, which are mounted."""
    return tuple(host for host in _nodes(lab) if (host.root / ADMIN.lstrip("/")).is_file())


def alive(lab: LabPlan, progress: Progress, patience: float = 60) -> Signs | None:
    """What is alive in a cluster that runs, once all of it is, or after some time.

    Args:
        patience: seconds that nodes and pods may take to become Ready.

    Returns:
        None if there is no cluster, or none that answers.
    """
    deadline = time.monotonic() + patience
    try:
        while dead := life.dead(answer := _ask(lab)):
            if time.monotonic() > deadline:
                progress(f"not Ready, so restoring the lab will not wait for it: {dead}")
                break
            time.sleep(0.5)
        # What has not been renewed for a minute has a holder that is gone.
        leaders = life.signs(answer, datetime.now(UTC) - timedelta(minutes=1)).leaders
    except (LabError, ValueError):
        return None
    return life.signs(answer).model_copy(update={"leaders": leaders})


def boot(lab: LabPlan) -> datetime:
    """Start all hosts, which have disks; when that was."""
    began = datetime.now(UTC).replace(microsecond=0)
    labs.all_at_once(lab.hosts, lambda host: labs.start(host, lab))
    labs.write_known_hosts(lab)
    return began


def wait(lab: LabPlan, expected: Signs | None, since: datetime, patience: float) -> None:
    """Wait until all hosts answer and what is expected in the cluster is alive.

    Args:
        expected: None: no cluster is waited for.
        since: signs of life from before do not count.
        patience: seconds.

    Raises:
        LabError: it takes longer; says what is missing.
    """
    deadline = time.monotonic() + patience
    labs.all_at_once(lab.hosts, lambda host: labs.wait(host, patience))
    if not expected:
        return
    missing, why, answered = expected, "", False
    while missing:
        if time.monotonic() > deadline:
            raise LabError(
                f"after {patience:.0f} s, the lab's cluster is not yet as it was saved",
                why=why or f"still missing: {missing}",
                next="find out why with `kubeinstall status` and `kubeinstall lab ssh`, or remove "
                "the lab with `kubeinstall lab down`",
            )
        try:
            missing, why = expected.without(life.signs(_ask(lab), since)), ""
            if not answered:
                _restart_kubelets(lab, missing)
                answered = True
        except (KubeinstallError, ValueError) as error:
            why = str(error)
        if missing:
            time.sleep(0.25)


def _restart_kubelets(lab: LabPlan, missing: Signs) -> None:
    """Restart those whose nodes have not reported yet.

    They started before the API server did, and wait longer after each attempt: up to 7 s to
    register, 10 s to report pods, 30 s to learn of them.
    """
    waiting = [host for host in _nodes(lab) if host.name in missing.nodes]
    labs.all_at_once(waiting, lambda host: machine.inside(host, "systemctl", "restart", "kubelet"))


def _ask(lab: LabPlan) -> str:
    """The nodes, pods and leases of the lab's cluster, as ``life.signs`` takes them.

    Raises:
        LabError: no control plane answers.
    """
    error = LabError("no host of the lab has a control plane")
    for host in control_planes(lab):
        try:
            return machine.inside(host, "sh", "-c", _ASK, patience=20)
        except LabError as failed:
            error = failed
    raise error


def _nodes(lab: LabPlan) -> list[LabHost]:
    return [host for host in lab.hosts if host.purpose is Purpose.NODE]
