"""Objects of others that an addon sets only fields of: their old values are noted and put back.

An addon asks for it in its own manifests, by the annotation ``kubeinstall.io/on-removal: restore``.
The notes are in a Secret in kube-system: whoever can write there is an administrator already.
Nothing that an object says about itself is applied.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubeinstall.addons.objects import (
    ADDON_LABEL,
    MANAGER,
    SYSTEM_NAMESPACE,
    Key,
    Object,
    group,
    key,
    parent_name,
)

ON_REMOVAL = "kubeinstall.io/on-removal"
RESTORE = "restore"
LEGACY = "kubeinstall.io/before"
"""The annotation in which older versions noted the values, on the object itself."""

_BEFORE = "before"
"""The key of the Secret, with the notes as JSON."""
_IDENTITY = frozenset({"apiVersion", "kind", "metadata", "status"})
_RBAC = "rbac.authorization.k8s.io"
_ENTRY = frozenset({"apiVersion", "kind", "namespace", "name", "fields"})


class BrokenNotesError(ValueError):
    """The notes are not as ``notes_secret`` writes them; says why, and nothing of their text."""


@dataclass(frozen=True)
class Note:
    """What an object was before an addon set fields of it.

    Args:
        key: the object that the addon declared.
        api_version: in which it was read.
        fields: values by top-level field; None: it is not known what they were.
    """

    key: Key
    api_version: str
    fields: Mapping[str, Any] | None

    def document(self) -> Object | None:
        """What is applied to give the object back; None: it is left as it is."""
        if self.fields is None:
            return None
        _, kind, namespace, name = self.key
        place = {"namespace": namespace} if namespace else {}
        identity = {"kind": kind, "metadata": {"name": name, **place}}
        return {"apiVersion": self.api_version, **identity, **self.fields}


Notes = Mapping[Key, Note]


def declares(document: Object) -> bool:
    """Whether an object asks to be put back; believed of the addon's own manifests only."""
    return (document["metadata"].get("annotations") or {}).get(ON_REMOVAL) == RESTORE


def noted(wanted: Object, live: Object) -> Note:
    """What a live object has in the fields that a wanted one sets."""
    return Note(key(wanted), str(live["apiVersion"]), _of(_body(live), _body(wanted)))


def from_annotation(wanted: Object, live: Object) -> Note | None:
    """The note that an older version left on an object which the addon declares.

    Only values of fields that the addon sets itself count. An annotation is not checked by the API
    server as a role's rules are, so those of roles and bindings count for nothing.

    Returns:
        None: it has none, for nobody had the object before.
    """
    text = (live["metadata"].get("annotations") or {}).get(LEGACY)
    if not text:
        return None
    unknown = Note(key(wanted), str(live["apiVersion"]), None)
    if group(wanted) == _RBAC:
        return unknown
    try:
        fields = json.loads(str(text))
    except (ValueError, RecursionError):
        return unknown
    if not isinstance(fields, dict):
        return unknown
    return Note(unknown.key, unknown.api_version, _of(_body(fields), _body(wanted)))


def read_notes(secret: Object | None) -> Notes:
    """The notes of an addon's Secret; none where there is no Secret.

    Raises:
        BrokenNotesError: somebody changed it.
    """
    if secret is None:
        return {}
    try:
        encoded = (secret.get("data") or {})[_BEFORE]
        entries = json.loads(base64.b64decode(str(encoded), validate=True))
    except (KeyError, ValueError, RecursionError):
        raise BrokenNotesError(f"its key {_BEFORE!r} does not contain JSON") from None
    if not isinstance(entries, list):
        raise BrokenNotesError(f"its key {_BEFORE!r} does not contain a list")
    read = [_read(entry, number) for number, entry in enumerate(entries, 1)]
    return {note.key: note for note in read}


def notes_secret(addon: str, notes: Iterable[Note]) -> Object:
    """The Secret that holds an addon's notes."""
    entries = [
        {
            "apiVersion": note.api_version,
            "kind": note.key[1],
            "namespace": note.key[2],
            "name": note.key[3],
            "fields": note.fields,
        }
        for note in sorted(notes, key=lambda note: note.key)
    ]
    text = json.dumps(entries, sort_keys=True).encode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": parent_name(addon),
            "namespace": SYSTEM_NAMESPACE,
            "labels": {ADDON_LABEL: addon, "app.kubernetes.io/managed-by": MANAGER},
        },
        "data": {_BEFORE: base64.b64encode(text).decode()},
    }


def _read(entry: Any, number: int) -> Note:
    if not isinstance(entry, dict) or entry.keys() != _ENTRY:
        raise BrokenNotesError(f"entry {number} does not have the keys {', '.join(sorted(_ENTRY))}")
    fields = entry["fields"]
    words = [entry[name] for name in sorted(_ENTRY - {"fields"})]
    if not all(isinstance(word, str) for word in words):
        raise BrokenNotesError(f"entry {number} does not name an object")
    if fields is not None and (not isinstance(fields, dict) or fields.keys() & _IDENTITY):
        raise BrokenNotesError(f"entry {number} contains more than fields of the object")
    of = (group(entry), entry["kind"], entry["namespace"], entry["name"])
    return Note(of, entry["apiVersion"], fields)


def _body(document: Mapping[str, Any]) -> Object:
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
    return isinstance(items, list) and all(
        isinstance(i, dict) and isinstance(i.get("name"), str) for i in items
    )
