"""What the cluster is told of its nodes, as its admin."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence

from pyinfra.api.operation import operation

from kubeinstall.facts.kubeadm import ADMIN, KUBECTL
from kubeinstall.operations.commands import Command

_KUBECTL = f"{KUBECTL} --kubeconfig {ADMIN} --request-timeout=15s"


@operation()
def told(calls: Sequence[Sequence[str]], diff: str = "") -> Generator[Command]:
    """kubectl with each of these arguments, one after the other; none where all is as it should be.

    Args:
        calls: what follows ``kubectl``, decided from what the cluster says.
        diff: a unified diff to show.
    """
    if calls:
        yield Command(" &&\n".join(f"{_KUBECTL} {shlex.join(call)}" for call in calls), diff=diff)
