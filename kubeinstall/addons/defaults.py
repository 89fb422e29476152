"""Of some kinds a cluster has one default: seen in the objects, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from kubeinstall.documents import NotYamlError, read
from kubeinstall.findings import Finding, Kind

_MARKS: Mapping[str, str] = MappingProxyType(
    {
        "IngressClass": "ingressclass.kubernetes.io/is-default-class",
        "StorageClass": "storageclass.kubernetes.io/is-default-class",
    }
)
"""Kinds, and the annotation by which one of them is the default."""


def several_defaults(
    addons: Iterable[tuple[str, Iterable[Mapping[str, Any]]]],
) -> Iterator[Finding]:
    """What is told where more than one object of a kind is the default.

    With two, the API server takes the newer StorageClass, and refuses an Ingress without a class.

    Args:
        addons: each addon's name and objects.
    """
    found: dict[str, list[str]] = {kind: [] for kind in _MARKS}
    for name, documents in addons:
        for document in _with_those_in_text(documents):
            annotations = (document.get("metadata") or {}).get("annotations") or {}
            mark = _MARKS.get(str(document.get("kind")))
            if mark and str(annotations.get(mark)).lower() == "true":
                found[document["kind"]].append(f"{document['metadata']['name']} of addon {name}")
    for kind, marked in found.items():
        those = list(dict.fromkeys(marked))
        if len(those) > 1:
            yield Finding(
                Kind.INVENTORY,
                f"more than one default {kind}: {', '.join(those)}",
                why="an object that names no class would get either of them, or none",
                next="keep one: for the others, set the value of their addon that makes them the "
                "default, "
                f"or patch the annotation {_MARKS[kind]}",
            )


def _with_those_in_text(documents: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Objects, and the classes that ConfigMaps hold for a program to make (Longhorn's does)."""
    for document in documents:
        yield document
        data = document.get("data") if document.get("kind") == "ConfigMap" else None
        for text in (data or {}).values():
            if isinstance(text, str) and "is-default-class" in text:
                yield from _parsed(text)


def _parsed(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        yield from (d for d in read(text) if isinstance(d, dict))
    except NotYamlError:
        return
