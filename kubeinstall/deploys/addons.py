"""Addons: what each has in the cluster; runs on a control plane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.addons import objects
from kubeinstall.addons.changes import Change, custom
from kubeinstall.addons.objects import SYSTEM_NAMESPACES, Object
from kubeinstall.addons.parents import kind_name
from kubeinstall.addons.secrets import generate
from kubeinstall.deploys.inputs import Inputs
from kubeinstall.facts.addons import Addons, Objects
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations import kubectl
from kubeinstall.operations.kubectl import Removal, Work

Ref = tuple[str, str, str]
"""Kind.version.group, namespace and name."""

_FIRST = ("Namespace", "CustomResourceDefinition")


@deploy("addons")
def look(inputs: Inputs | None = None) -> None:
    """Read what the cluster has of addons, along with all other facts."""
    inputs = inputs or Inputs.plain()
    host.get_fact(Addons, **question(inputs.cluster))
    if refs := conditions(inputs.cluster):
        host.get_fact(Objects, refs=refs)


def question(cluster: Cluster) -> Mapping[str, Any]:
    """The arguments of the fact ``Addons``."""
    return {"served": bool(chosen(cluster))}


def conditions(cluster: Cluster) -> tuple[Ref, ...]:
    """The objects whose conditions the addons' files name: nobody need have applied them."""
    return tuple(
        (ready.kind, ready.namespace or "", ready.name)
        for one in chosen(cluster)
        for ready in one.addon.file.ready
    )


def ref(document: Object) -> Ref:
    """How an object is asked for."""
    metadata = document["metadata"]
    return kind_name(document), metadata.get("namespace", ""), metadata["name"]


@dataclass(frozen=True)
class ChangeInputs(Inputs):
    """The inputs of ``addon``.

    Args:
        change: what is to be done with the addon; the values of Secrets are in it.
    """

    change: Change = field(repr=False)


@deploy("addon")
def addon(inputs: ChangeInputs) -> None:
    """Have one addon in the cluster as the inventory says, or have it there no more."""
    kubectl.addon(work=work(inputs.change), name=inputs.change.action)


def work(change: Change) -> Work:
    """What kubectl is told, in its order."""
    if not change.any:
        return Work()
    return Work(
        before=_kept(change.notes_before, change.before),
        replaced=tuple(d for found, d in change.applied if found.live and d["kind"] == "Job"),
        stages=_stages(change),
        secrets=tuple(generate(s, change.name, change.namespace) for s in change.secrets),
        restored=tuple(change.restored),
        removal=_removal(change),
        after=_kept(change.notes_after, change.after),
        gone=objects.parent_name(change.name) if change.gone else "",
        seconds=change.seconds,
        diff=change.diff,
    )


def _kept(*documents: Object | None) -> tuple[Object, ...]:
    """What is kept of an addon in kube-system; the notes first, for what is listed can be noted."""
    return tuple(document for document in documents if document)


def _stages(change: Change) -> tuple[tuple[Object, ...], ...]:
    """Namespaces and CRDs, then what needs them, then objects of the addon's own kinds."""
    wanted = [found.wanted for found in change.differences]
    own = {
        (crd["spec"]["group"], crd["spec"]["names"]["kind"])
        for crd in wanted
        if crd["kind"] == "CustomResourceDefinition"
    }
    stages: list[list[Object]] = [[], [], []]
    for _, document in change.applied:
        if document["kind"] in _FIRST:
            stages[0].append(document)
        else:
            late = (objects.group(document), document["kind"]) in own
            stages[2 if late else 1].append(document)
    return tuple(tuple(stage) for stage in stages if stage)


def _removal(change: Change) -> Removal:
    """Custom objects while what looks after them is still there; CRDs and namespaces last."""
    backwards = sorted(change.deleted, key=objects.order, reverse=True)
    plain = [d for d in backwards if d["kind"] not in _FIRST]
    stages = [[d for d in plain if custom(d)], [d for d in plain if not custom(d)]]

    def names(kind: str) -> tuple[str, ...]:
        found = (d["metadata"]["name"] for d in backwards if d["kind"] == kind)
        return tuple(name for name in found if name not in SYSTEM_NAMESPACES)

    return Removal(
        tuple(tuple(stage) for stage in stages if stage),
        names("CustomResourceDefinition"),
        names("Namespace"),
    )
