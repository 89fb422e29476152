"""The ConfigMap that says what an addon has: the parent of an ApplySet (KEP-3659).

An object belongs to an addon if the ConfigMap lists it and the object has the addon's label. The
label alone says nothing: whoever may write an object can label it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubeinstall import __version__
from kubeinstall.addons.objects import (
    ADDON_LABEL,
    MANAGER,
    PART_OF,
    SYSTEM_NAMESPACE,
    Key,
    Object,
    apply_set,
    group,
    key,
    parent_name,
)
from kubeinstall.addons.restoring import BrokenNotesError, Notes, read_notes
from kubeinstall.inventory.catalogue.model import Stage

KINDS = "kubeinstall.io/kinds"
"""Annotation: ``Kind.version.group`` of all objects; the ApplySet's own names no versions."""
VERSION = "kubeinstall.io/version"
STAGE = "kubeinstall.io/stage"
NEEDS = "kubeinstall.io/needs"
PROVISIONERS = "kubeinstall.io/provisioners"
"""Annotation: who makes and deletes volumes by the addon."""
OBJECTS = "objects"
"""The key of the ConfigMap's data: group, kind, namespace and name of each object, as JSON."""

_APPLY_SET = "applyset.kubernetes.io"
_ID = f"{_APPLY_SET}/id"
_TOOLING = f"{_APPLY_SET}/tooling"
_GROUP_KINDS = f"{_APPLY_SET}/contains-group-kinds"
_NAMESPACES = f"{_APPLY_SET}/additional-namespaces"


@dataclass(frozen=True)
class Broken:
    """Why what is kept of an addon in kube-system cannot be relied on.

    Args:
        kind: ``ConfigMap`` or ``Secret``.
        name: of that in kube-system.
    """

    kind: str
    name: str
    why: str


@dataclass(frozen=True)
class Holding:
    """What an addon has in the cluster, by what is kept in kube-system.

    Args:
        objects: those it may have; None: an older version wrote the ConfigMap, which then names
            only ``kinds`` and ``namespaces``.
        kinds: as ``Kind.version.group``.
        notes: what objects of others were before.
        broken: why none of it can be relied on; None: it can.
    """

    addon: str
    objects: frozenset[Key] | None = frozenset()
    kinds: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    provisioners: frozenset[str] = frozenset()
    notes: Notes = field(default_factory=dict)
    broken: Broken | None = None

    def has(self, live: Object) -> bool:
        """Whether a live object is the addon's: listed, and labelled."""
        if (live["metadata"].get("labels") or {}).get(PART_OF) != apply_set(self.addon):
            return False
        if self.objects is not None:
            return key(live) in self.objects
        namespace = live["metadata"].get("namespace", "")
        return kind_name(live) in self.kinds and namespace in {"", *self.namespaces}


def holding(addon: str, parent: Object | None, secret: Object | None) -> Holding:
    """What an addon has, out of its live ConfigMap and Secret.

    Args:
        parent: None: there is no such addon in the cluster.
        secret: with the notes; None: there are none.
    """
    if parent is None:
        return Holding(addon)
    try:
        listed, notes = _listed(parent), read_notes(secret)
    except BrokenNotesError as error:
        return Holding(addon, broken=Broken("Secret", parent_name(addon), str(error)))
    except ValueError as error:
        return Holding(addon, broken=Broken("ConfigMap", parent_name(addon), str(error)))
    kinds, namespaces, makers = (
        noted(parent, name).split(",") for name in (KINDS, _NAMESPACES, PROVISIONERS)
    )
    return Holding(
        addon,
        listed,
        frozenset(kinds) - {""},
        frozenset({*namespaces, SYSTEM_NAMESPACE}) - {""},
        frozenset(makers) - {""},
        notes,
    )


def _listed(parent: Object) -> frozenset[Key] | None:
    text = (parent.get("data") or {}).get(OBJECTS)
    if text is None:
        return None
    try:
        entries = json.loads(str(text))
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(map(_is_key, entries)):
        raise ValueError(f"its key {OBJECTS!r} does not contain a list of objects")
    return frozenset((entry[0], entry[1], entry[2], entry[3]) for entry in entries)


def _is_key(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 4 and all(isinstance(e, str) for e in entry)


def parent(
    addon: str,
    version: str,
    stage: Stage,
    documents: Iterable[Mapping[str, Any]],
    needs: Iterable[str] = (),
    provisioners: Iterable[str] = (),
) -> Object:
    """The ConfigMap of an addon with these objects.

    Args:
        needs: addons that have to outlive it.
        provisioners: who makes and deletes volumes by it.
    """
    kinds, group_kinds, namespaces = set(), set(), set()
    held = set()
    for document in documents:
        held.add(key(document))
        kinds.add(kind_name(document))
        group_kinds.add(".".join(filter(None, (document["kind"], group(document)))))
        namespaces.add(document["metadata"].get("namespace", ""))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": parent_name(addon),
            "namespace": SYSTEM_NAMESPACE,
            "labels": {
                ADDON_LABEL: addon,
                "app.kubernetes.io/managed-by": MANAGER,
                _ID: apply_set(addon),
            },
            "annotations": {
                KINDS: ",".join(sorted(kinds)),
                NEEDS: ",".join(sorted(needs)),
                PROVISIONERS: ",".join(sorted(provisioners)),
                STAGE: stage.value,
                VERSION: version,
                _GROUP_KINDS: ",".join(sorted(group_kinds)),
                _NAMESPACES: ",".join(sorted(namespaces - {"", SYSTEM_NAMESPACE})),
                _TOOLING: f"{MANAGER}/v{__version__}",
            },
        },
        "data": {OBJECTS: _list(held)},
    }


def _list(held: Iterable[Key]) -> str:
    return json.dumps(sorted(held))


def kind_name(document: Mapping[str, Any]) -> str:
    """An object's ``Kind.version.group``, as kubectl takes it; the core group is empty."""
    version = str(document["apiVersion"]).rpartition("/")[2]
    return f"{document['kind']}.{version}.{group(document)}"


def same(wanted: Object, live: Object | None) -> bool:
    """Whether a ConfigMap says what is wanted; which version of us wrote it does not matter."""
    if live is None:
        return False
    there = live["metadata"].get("annotations") or {}
    annotations = wanted["metadata"]["annotations"]
    if (live.get("data") or {}).get(OBJECTS) != wanted["data"][OBJECTS]:
        return False
    return all(there.get(k) == v for k, v in annotations.items() if k != _TOOLING)


def noted(live: Object, annotation: str) -> str:
    """What a ConfigMap says; empty where it says nothing."""
    return str((live["metadata"].get("annotations") or {}).get(annotation, ""))


def united(wanted: Object, live: Object | None, mine: Iterable[Object]) -> Object:
    """The wanted ConfigMap with what the live one lists as well.

    Args:
        mine: live objects of the addon, for a ConfigMap that an older version wrote.
    """
    if live is None:
        return wanted
    annotations = dict(wanted["metadata"]["annotations"])
    for name in (KINDS, PROVISIONERS, _GROUP_KINDS, _NAMESPACES):
        both = {*annotations[name].split(","), *noted(live, name).split(",")} - {""}
        annotations[name] = ",".join(sorted(both))
    listed = _listed(live)
    held = {*(_listed(wanted) or ()), *(map(key, mine) if listed is None else listed)}
    metadata = {**wanted["metadata"], "annotations": annotations}
    return {**wanted, "metadata": metadata, "data": {OBJECTS: _list(held)}}
