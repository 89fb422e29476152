"""From YAML to Kubernetes objects, read as kubectl reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kubeinstall.addons.objects import Object
from kubeinstall.documents import NotYamlError, read
from kubeinstall.inventory.formats import DNS_LABEL

# What the API server takes, and more narrowly what no program takes for an option or a path.
_API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]+")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_NAME = re.compile(r"[A-Za-z0-9_:][-A-Za-z0-9_:.@+=~^!]*")
_NAMESPACE = re.compile(DNS_LABEL)


class NotObjectsError(Exception):
    """A text that is no YAML, or holds something else than Kubernetes objects; says why."""


def values(text: str | bytes) -> Iterator[Any]:
    """What each document of a YAML text holds; keys are text. Empty documents are left out.

    Raises:
        NotObjectsError: it is no YAML.
    """
    try:
        yield from read(text)
    except NotYamlError as error:
        raise NotObjectsError(str(error)) from None


def objects(text: str | bytes) -> Iterator[Object]:
    """The Kubernetes objects of a YAML text; a List is its items.

    Raises:
        NotObjectsError: it is no YAML, or something in it is not an object.
    """
    for number, document in enumerate(values(text), 1):
        yield from _items(document, f"document {number}")


def _items(document: Any, place: str) -> Iterator[Object]:
    if not isinstance(document, dict):
        raise NotObjectsError(f"{place} in it is not an object")
    kind = document.get("kind")
    if not document.get("apiVersion") or not isinstance(kind, str):
        raise NotObjectsError(f"{place} in it has no apiVersion or no kind")
    items = document["items"] or [] if "items" in document else None
    if kind.endswith("List") and isinstance(items, list):
        for index, item in enumerate(items):
            yield from _items(_of_list(item, document), f"item {index + 1} of {place}")
        return
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise NotObjectsError(f"{place} in it, of kind {kind}, has no metadata.name")
    identity = (
        ("apiVersion", document["apiVersion"], _API_VERSION),
        ("kind", kind, _KIND),
        ("metadata.name", metadata["name"], _NAME),
        ("metadata.namespace", metadata.get("namespace") or "x", _NAMESPACE),
    )
    for field, value, form in identity:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise NotObjectsError(f"{place} in it has a {field} that Kubernetes does not accept")
    for field in ("labels", "annotations"):
        if not isinstance(metadata.get(field) or {}, dict):
            raise NotObjectsError(
                f"{place} in it, of kind {kind}, has {field} that are not a mapping"
            )
    yield document


def _of_list(item: Any, whole: Object) -> Any:
    """An item of a list of one kind need not repeat the kind (a ConfigMapList's does not)."""
    if not isinstance(item, dict) or whole["kind"] == "List":
        return item
    kind = whole["kind"].removesuffix("List")
    return {"apiVersion": whole["apiVersion"], "kind": kind, **item}
