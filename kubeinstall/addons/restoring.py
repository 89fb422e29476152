"""Objects of others that an addon sets only fields of: what these were is noted, and put back.

An object asks for it by the annotation ``kubeinstall.io/on-removal: restore``.
"""

from __future__ import annotations

import json
from typing import Any

from kubeinstall.addons.objects import PART_OF, Object

ON_REMOVAL = "kubeinstall.io/on-removal"
RESTORE = "restore"
BEFORE = "kubeinstall.io/before"
"""The annotation with the values that our fields had before, as JSON."""

_IDENTITY = ("apiVersion", "kind", "metadata", "status")


def remembering(wanted: Object, live: Object | None) -> Object:
    """A wanted object with the note of what its fields were before they were ours.

    An object without our mark is as others made it: it was there first, or kubeadm wrote it anew.
    """
    metadata = wanted["metadata"]
    annotations = metadata.get("annotations") or {}
    if annotations.get(ON_REMOVAL) != RESTORE or live is None:
        return wanted
    if PART_OF in (live["metadata"].get("labels") or {}):
        note = _note(live)
    else:
        note = json.dumps(_of(_body(live), _body(wanted)), sort_keys=True)
    if not note:
        return wanted
    return {**wanted, "metadata": {**metadata, "annotations": {**annotations, BEFORE: note}}}


def restored(live: Object) -> Object | None:
    """What is applied to give an object back; None: nobody had it before, so it is deleted."""
    note = _note(live)
    if not note:
        return None
    names = {k: v for k, v in live["metadata"].items() if k in ("name", "namespace")}
    before = json.loads(note)
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": names, **before}


def _note(live: Object) -> str:
    return str((live["metadata"].get("annotations") or {}).get(BEFORE, ""))


def _body(document: Object) -> Object:
    return {k: v for k, v in document.items() if k not in _IDENTITY}


def _of(live: Any, wanted: Any) -> Any:
    """Of a live value what a wanted one speaks of; items of lists are told apart by name."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        return {k: _of(live[k], v) for k, v in wanted.items() if k in live}
    if isinstance(live, list) and _named(wanted) and _named(live):
        by_name = {item["name"]: item for item in wanted}
        return [_of(item, by_name[item["name"]]) for item in live if item["name"] in by_name]
    return live


def _named(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(i, dict) and "name" in i for i in items)
