"""Addons beside each other: only a namespace may be of several, and is one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubeinstall.addons import objects
from kubeinstall.addons.compare import title
from kubeinstall.addons.objects import Object
from kubeinstall.addons.render import Rendered
from kubeinstall.findings import Finding, Kind, KubeinstallError

_LEVEL = "pod-security.kubernetes.io/enforce"
_LEVELS = ("restricted", "baseline", "privileged")


def shared(addons: Sequence[Rendered]) -> list[Rendered]:
    """The addons with each object in one of them only.

    The first addon that names a namespace makes it, with the least strict level of pod security
    that any of them asks for.

    Raises:
        KubeinstallError: two addons have an object of the same name.
    """
    owners: dict[tuple[str, str, str, str], Rendered] = {}
    twins: list[Finding] = []
    made = []
    for one in addons:
        own = []
        for document in one.objects:
            key = objects.key(document)
            owner = owners.setdefault(key, one)
            if owner is one:
                own.append(document)
            elif document["kind"] != "Namespace":
                twins.append(_twin(document, owner, one))
        made.append(replace(one, objects=tuple(own)))
    if twins:
        raise KubeinstallError(*twins)
    return [_least_strict(one, addons) for one in made]


def _least_strict(one: Rendered, addons: Sequence[Rendered]) -> Rendered:
    def settled(document: Object) -> Object:
        if document["kind"] != "Namespace":
            return document
        key, labels = objects.key(document), document["metadata"]["labels"]
        asked = [
            other["metadata"]["labels"].get(_LEVEL)
            for addon in addons
            for other in addon.objects
            if objects.key(other) == key
        ]
        known = [level for level in asked if level in _LEVELS]
        level = max(known, key=_LEVELS.index, default=None)
        if level == labels.get(_LEVEL):
            return document
        metadata = {**document["metadata"], "labels": {**labels, _LEVEL: level}}
        metadata.pop("annotations")
        return objects.finished({**document, "metadata": metadata}, one.name, "", {})

    return replace(one, objects=tuple(map(settled, one.objects)))


def _twin(document: Object, owner: Rendered, other: Rendered) -> Finding:
    return Finding(
        Kind.INVENTORY,
        f"addons {owner.name} and {other.name} both contain {title(document)}",
        why="each would overwrite it at every run",
        next="remove one of them from cluster.addons, or rename the object in one",
    )
