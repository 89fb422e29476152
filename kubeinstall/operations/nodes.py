"""What the cluster keeps of its nodes and kubelets, changed with kubectl as the cluster's admin."""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.operation import operation

from kubeinstall.facts.kubectl import kubectl
from kubeinstall.operations.commands import Command

NOTES = "kubeinstall-nodes"
"""The ConfigMap in kube-system that names the labels and taints of each node that are ours."""
CORDONED = "kubeinstall.io/cordoned"
"""Annotation of a node that kubeinstall has cordoned, and should uncordon."""

Call = tuple[str, ...]
"""The arguments of one kubectl."""

_CREATE_NOTES: Call = ("-n", "kube-system", "create", "configmap", NOTES)


@dataclass(frozen=True)
class Label:
    """A label or an annotation that is set.

    Args:
        value: None: it is removed.
    """

    key: str
    value: str | None

    def __str__(self) -> str:
        return self.key if self.value is None else f"{self.key}={self.value}"


@dataclass(frozen=True)
class Taint:
    """A taint that is set.

    Args:
        value: None: it is removed.
    """

    key: str
    effect: str
    value: str | None

    def __str__(self) -> str:
        value = "" if self.value is None else f"={self.value}"
        return f"{self.key}{value}:{self.effect}"


@dataclass(frozen=True)
class NodeChanges:
    """What changes of a node, in the order in which it is done.

    Args:
        noted_first: what is noted of it before anything else changes; None: the note stays.
        noted_last: what is noted of it at the end; empty: nothing; None: the note stays.
        create_notes: there is no ConfigMap with notes yet.
    """

    node: str
    noted_first: str | None = None
    labels: tuple[Label, ...] = ()
    annotations: tuple[Label, ...] = ()
    taints: tuple[Taint, ...] = ()
    noted_last: str | None = None
    create_notes: bool = False

    @property
    def any(self) -> bool:
        """Whether anything changes."""
        noted = self.noted_first is not None or self.noted_last is not None
        return noted or bool(self.labels or self.annotations or self.taints)

    @property
    def diff(self) -> str:
        """Its labels and taints, as a plan shows them."""
        found = [("label", one) for one in self.labels] + [("taint", one) for one in self.taints]
        return "\n".join(f"{'-' if x.value is None else '+'}{kind} {x}" for kind, x in found)

    @property
    def calls(self) -> tuple[Call, ...]:
        """What kubectl is called with."""
        if not self.any:
            return ()
        calls = [_CREATE_NOTES] if self.create_notes else []
        if self.noted_first is not None:
            calls.append(_note(self.node, self.noted_first))
        kinds: tuple[tuple[str, Sequence[Label | Taint]], ...] = (
            ("label", self.labels),
            ("annotate", self.annotations),
            ("taint", self.taints),
        )
        for verb, changes in kinds:
            words = [f"{one}-" if one.value is None else str(one) for one in changes]
            if words:
                calls.append((verb, "--overwrite", "node", self.node, *words))
        if self.noted_last is not None:
            calls.append(_note(self.node, self.noted_last))
        return tuple(calls)


@operation()
def node_settings(changes: NodeChanges) -> Generator[Command]:
    """A node's labels, annotations and taints, and the note of those that are kubeinstall's.

    Args:
        changes: decided from what the cluster reports.

    Example:
        node_settings(NodeChanges("w1", labels=(Label("disk", "ssd"),)), name="Label w1")
    """
    yield from _commands(changes.calls, changes.diff)


@operation()
def uncordoned(node: str) -> Generator[Command]:
    """A node that kubeinstall has cordoned takes pods again.

    Args:
        node: that is cordoned.
    """
    yield from _commands(uncordon_calls(node))


@operation()
def configmap_patched(
    configmap: str, patch: Mapping[str, Any] | None, diff: str = ""
) -> Generator[Command]:
    """A ConfigMap in kube-system with a merge patch applied.

    Args:
        patch: decided from what the cluster reports; None: nothing changes.
        diff: a unified diff to show.
    """
    yield from _commands((_patch(configmap, patch),) if patch else (), diff)


@operation()
def requests_approved(requests: Sequence[str]) -> Generator[Command]:
    """Certificate signing requests that are approved.

    Args:
        requests: their names.
    """
    yield from _commands([("certificate", "approve", name) for name in requests])


def uncordon_calls(node: str) -> tuple[Call, ...]:
    """What kubectl is called with to let a node take pods again."""
    return ("uncordon", node), ("annotate", "node", node, f"{CORDONED}-")


def _note(node: str, text: str) -> Call:
    return _patch(NOTES, {"data": {node: text or None}})


def _patch(configmap: str, patch: Mapping[str, Any]) -> Call:
    call = ("-n", "kube-system", "patch", "configmap", configmap, "--type=merge", "-p")
    return (*call, json.dumps(patch))


def _commands(calls: Sequence[Call], diff: str = "") -> Generator[Command]:
    """One command that ends at the first call that fails."""
    if calls:
        yield Command(" &&\n".join(f"{kubectl()} {shlex.join(call)}" for call in calls), diff=diff)
