"""What changes of an addon's objects, as unified diffs for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import unified_diff
from typing import Any

import yaml

from kubeinstall.addons.compare import Difference, Fields, our_fields, title
from kubeinstall.addons.objects import APPLIED, PART_OF, Object
from kubeinstall.addons.veil import veiled

_MOST = 120
_LONG = 40_000
"""Characters of an object that nobody reads: a CRD's schema."""


def diff(found: Difference, wanted: Object, private: bool = False) -> str:
    """What applying an object changes; only fields of ours are shown, and no secrets.

    Args:
        wanted: what is applied, which may leave out what others took.
        private: the addon takes values that are secret.
    """
    new = _shown(wanted)
    old = None
    if found.live is not None:
        fields = our_fields(found.live, wanted["apiVersion"])
        old = _ours(_shown(found.live), new, fields or {})
    hidden = None
    if old is not None:
        old, hidden = veiled(old, private)
    new, _ = veiled(new, private, hidden)
    name = found.title
    if len(str(new)) > _LONG:
        return f"--- {name if old else '/dev/null'}\n+++ {name}\n(too long to show)"
    lines = list(
        unified_diff(
            _yaml(old),
            _yaml(new),
            name if old else "/dev/null",
            name,
            lineterm="",
        )
    )
    if not lines:
        return f"--- {name}\n+++ {name}\n(labels and annotations of kubeinstall)"
    more = len(lines) - _MOST
    return "\n".join([*lines[:_MOST], *([f"... and {more} more lines"] if more > 0 else [])])


def removed(documents: Sequence[Object]) -> str:
    """One line for each object that goes."""
    return "\n".join(f"- {title(document)}" for document in documents)


def _yaml(document: Any) -> list[str]:
    return yaml.safe_dump(document, sort_keys=True).splitlines() if document else []


def _shown(document: Object) -> Object:
    """An object without what says nothing to people."""
    metadata = {k: v for k, v in document["metadata"].items() if k != "managedFields"}
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != APPLIED}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != PART_OF}
    metadata |= {"annotations": annotations, "labels": labels}
    kept = {k: v for k, v in metadata.items() if v not in (None, {})}
    body = {k: v for k, v in document.items() if k != "status" and v is not None}
    return {**body, "metadata": kept}


def _ours(live: Any, wanted: Any, fields: Fields) -> Any:
    """Of the live value what is wanted, and what is ours and no longer wanted."""
    if isinstance(live, dict) and (isinstance(wanted, dict) or fields):
        beside = wanted if isinstance(wanted, dict) else {}
        mine = {
            k: _ours(v, beside.get(k), fields.get(f"f:{k}") or {})
            for k, v in live.items()
            if k in beside or f"f:{k}" in fields
        }
        return {k: v for k, v in mine.items() if k in beside or v != {}}
    if isinstance(live, list) and isinstance(wanted, list) and _named(live) and _named(wanted):
        by_name = {item["name"]: item for item in wanted}
        ours = {item["name"]: _of_item(fields, item["name"]) for item in live}
        return [
            _ours(i, by_name.get(i["name"]), ours[i["name"]] or {})
            for i in live
            if i["name"] in by_name or ours[i["name"]] is not None
        ]
    return live


def _of_item(fields: Fields, name: str) -> Fields | None:
    """The fields of a list's item; None: it is not ours."""
    found: Fields | None = fields.get(f"k:{json.dumps({'name': name}, separators=(',', ':'))}")
    return found


def _named(items: list[Any]) -> bool:
    return all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items)
