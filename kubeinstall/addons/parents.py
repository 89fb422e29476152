"""The ConfigMap that says what an addon has: the parent of an ApplySet (KEP-3659)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubeinstall import __version__
from kubeinstall.addons.objects import ADDON_LABEL, MANAGER, Object, apply_set, group, parent_name
from kubeinstall.inventory.catalogue.model import Stage

KINDS = "kubeinstall.io/kinds"
"""Annotation: ``Kind.version.group`` of all objects; the ApplySet's own names no versions."""
VERSION = "kubeinstall.io/version"
STAGE = "kubeinstall.io/stage"
NEEDS = "kubeinstall.io/needs"
NAMESPACE = "kube-system"

_APPLY_SET = "applyset.kubernetes.io"
_ID = f"{_APPLY_SET}/id"
_TOOLING = f"{_APPLY_SET}/tooling"
_GROUP_KINDS = f"{_APPLY_SET}/contains-group-kinds"
_NAMESPACES = f"{_APPLY_SET}/additional-namespaces"


def parent(
    addon: str,
    version: str,
    stage: Stage,
    documents: Iterable[Mapping[str, Any]],
    needs: Iterable[str] = (),
) -> Object:
    """The ConfigMap of an addon with these objects.

    Args:
        needs: addons that have to outlive it.
    """
    kinds, group_kinds, namespaces = set(), set(), set()
    for document in documents:
        kinds.add(kind_name(document))
        group_kinds.add(".".join(filter(None, (document["kind"], group(document)))))
        namespaces.add(document["metadata"].get("namespace", ""))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": parent_name(addon),
            "namespace": NAMESPACE,
            "labels": {
                ADDON_LABEL: addon,
                "app.kubernetes.io/managed-by": MANAGER,
                _ID: apply_set(addon),
            },
            "annotations": {
                KINDS: ",".join(sorted(kinds)),
                NEEDS: ",".join(sorted(needs)),
                STAGE: stage.value,
                VERSION: version,
                _GROUP_KINDS: ",".join(sorted(group_kinds)),
                _NAMESPACES: ",".join(sorted(namespaces - {"", NAMESPACE})),
                _TOOLING: f"{MANAGER}/v{__version__}",
            },
        },
    }


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
    return all(there.get(k) == v for k, v in annotations.items() if k != _TOOLING)


def noted(live: Object, annotation: str) -> str:
    """What a ConfigMap says; empty where it says nothing."""
    return str((live["metadata"].get("annotations") or {}).get(annotation, ""))


def united(wanted: Object, live: Object | None) -> Object:
    """The wanted ConfigMap with the live one's kinds and namespaces as well."""
    if live is None:
        return wanted
    annotations = dict(wanted["metadata"]["annotations"])
    for name in (KINDS, _GROUP_KINDS, _NAMESPACES):
        both = {*annotations[name].split(","), *noted(live, name).split(",")} - {""}
        annotations[name] = ",".join(sorted(both))
    return {**wanted, "metadata": {**wanted["metadata"], "annotations": annotations}}
