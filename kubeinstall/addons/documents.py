"""From YAML to Kubernetes objects, read as kubectl reads it.

PyYAML knows more of YAML 1.1 than Go's readers do: dates, ``12:30`` as a number of base 60, and
``=`` as a value of its own. All three are plain text to Kubernetes, and all three are met in
manifests of others (``=`` in CRDs of the Prometheus operator).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import yaml

from kubeinstall.addons.objects import Object
from kubeinstall.inventory.formats import DNS_LABEL

_NOT_KNOWN = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
MOST_VALUES = 2_000_000
"""Values of one text, each alias counted with all that it stands for."""
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
# What the API server takes, and more narrowly what no program takes for an option or a path.
_API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]+")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_NAME = re.compile(r"[A-Za-z0-9_:][-A-Za-z0-9_:.@+=~^!]*")
_NAMESPACE = re.compile(DNS_LABEL)
_Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


class NotObjectsError(Exception):
    """A text that is no YAML, or holds something else than Kubernetes objects; says why."""


class _Loader(yaml.CSafeLoader):
    """libyaml's safe loader (the one in Python needs seconds for what a big operator brings)."""

    yaml_implicit_resolvers: _Resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in pairs if tag not in _NOT_KNOWN]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        plain = kind is yaml.ScalarNode and implicit[0]
        if plain and ":" in value and _BASE_60.fullmatch(value):
            return "tag:yaml.org,2002:str"
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]


def values(text: str | bytes) -> Iterator[Any]:
    """What each document of a YAML text holds; keys are text. Empty documents are left out.

    Raises:
        NotObjectsError: it is no YAML.
    """
    left = itertools.count(MOST_VALUES, -1)
    try:
        for document in yaml.load_all(text, _Loader):
            if document is not None:
                yield _with_text_keys(document, left)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise NotObjectsError(f"it is not YAML: {' '.join(str(error).split())}") from None


def objects(text: str | bytes) -> Iterator[Object]:
    """The Kubernetes objects of a YAML text; a List is its items.

    Raises:
        NotObjectsError: it is no YAML, or something in it is no object.
    """
    for number, document in enumerate(values(text), 1):
        yield from _items(document, f"document {number}")


def _items(document: Any, place: str) -> Iterator[Object]:
    if not isinstance(document, dict):
        raise NotObjectsError(f"{place} in it is no object")
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
            raise NotObjectsError(f"{place} in it, of kind {kind}, has {field} that are not a map")
    yield document


def _of_list(item: Any, whole: Object) -> Any:
    """An item of a list of one kind need not repeat the kind (a ConfigMapList's does not)."""
    if not isinstance(item, dict) or whole["kind"] == "List":
        return item
    kind = whole["kind"].removesuffix("List")
    return {"apiVersion": whole["apiVersion"], "kind": kind, **item}


def _with_text_keys(value: Any, left: Iterator[int]) -> Any:
    """Keys as JSON has them: ``9000: x`` in a ConfigMap has the key ``"9000"``.

    Args:
        left: counts down to 0: aliases of aliases make few lines very many values.
    """
    if next(left) <= 0:
        raise NotObjectsError(f"it holds more than {MOST_VALUES} values")
    if isinstance(value, dict):
        return {_key(key): _with_text_keys(inner, left) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_text_keys(inner, left) for inner in value]
    return value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
