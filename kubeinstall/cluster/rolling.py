"""Work on nodes in small batches: cordon, drain, act, wait, uncordon; stop at a failure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from kubeinstall.cluster.draining import drain, uncordon
from kubeinstall.cluster.kubectl import Kubectl
from kubeinstall.cluster.nodes import Nodes
from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.inventory.model import Host

Act = Callable[[Sequence[Host]], Mapping[str, Finding]]
"""Works on hosts, all at once, and waits until their nodes are Ready again.

Returns: by name, the hosts whose work failed or whose nodes did not come back, and why.
"""


class Progress(Enum):
    """What happens to a host now, for progress reports."""

    DRAIN = auto()
    DONE = auto()


@dataclass(frozen=True)
class Turn:
    """A host whose turn comes.

    Args:
        drained: its node is drained before, and uncordoned afterwards.
        annotations: that its node gets once the work is done.
    """

    host: Host
    drained: bool = True
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rolled:
    """How it ended.

    Args:
        done: hosts that came back.
        failed: by name, the hosts that did not, and why. One that could not be drained was not
            worked on, and takes pods again; one whose work failed stays cordoned.
        left: hosts whose turn did not come: they are as they were.
    """

    done: tuple[Host, ...] = ()
    failed: Mapping[str, Finding] = field(default_factory=dict)
    left: tuple[Host, ...] = ()


def roll(
    turns: Sequence[Turn],
    act: Act,
    kubectl: Kubectl,
    nodes: Callable[[], Nodes],
    *,
    out: Callable[[], Collection[str]] = tuple,
    told: Callable[[Progress, Host], None] = lambda _progress, _host: None,
    batch: int = 1,
) -> Rolled:
    """Work on hosts in their order, some at a time; a batch with a failure is the last.

    Args:
        nodes: asks for the cluster's nodes as they are now.
        out: asks for the names of hosts that are out of the run by now; their turns are skipped.
        told: called as it goes on.
        batch: how many hosts at a time, at least 1.
    """
    done: list[Host] = []
    for start in range(0, len(turns), batch):
        gone = set(out())
        failed: dict[str, Finding] = {}
        these = [turn for turn in turns[start : start + batch] if turn.host.name not in gone]
        ready = dict(_drained(these, kubectl, nodes, told, failed))
        hosts = [turn.host for turn in these if turn.host.name in ready]
        if hosts:
            failed |= act(hosts)
        for turn in these:
            if turn.host.name in failed:
                continue
            try:
                uncordon(
                    kubectl, turn.host, ours=ready[turn.host.name], annotations=turn.annotations
                )
            except KubeinstallError as error:
                failed[turn.host.name] = error.findings[0]
            else:
                done.append(turn.host)
                told(Progress.DONE, turn.host)
        if failed:
            return Rolled(tuple(done), failed, tuple(turn.host for turn in turns[start + batch :]))
    return Rolled(tuple(done))


def _drained(
    turns: Sequence[Turn],
    kubectl: Kubectl,
    nodes: Callable[[], Nodes],
    told: Callable[[Progress, Host], None],
    failed: dict[str, Finding],
) -> Iterator[tuple[str, bool]]:
    """Drain nodes one after another; each host that can be worked on, and whether to uncordon it.

    Args:
        failed: gets those that cannot be drained, and why.
    """
    for turn in turns:
        ours = False
        if turn.drained:
            told(Progress.DRAIN, turn.host)
            try:
                ours = drain(kubectl, nodes(), turn.host)
            except KubeinstallError as error:
                failed[turn.host.name] = error.findings[0]
                continue
        yield turn.host.name, ours
