"""A wanted object against the live one: by who owns its fields, not by their values.

The API server notes the fields of every manager of an object (metadata.managedFields; Kubernetes'
reference of server-side apply, FieldsV1). What it fills in by itself is nobody's, so it can make
no difference; a field that somebody else set or removed is no longer in our entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from kubeinstall.addons.objects import APPLIED, MANAGER, Object, key

Fields = Mapping[str, Any]
"""FieldsV1: ``f:NAME`` of a map, ``k:{...}`` of an item by its keys, ``v:VALUE`` of a set."""

_SUBRESOURCE = "subresource"
_MARKS = ("kubeinstall.io/", "applyset.kubernetes.io/")
_REPLICAS = ("spec", "replicas")


@dataclass(frozen=True)
class Item:
    """A step into a list.

    Args:
        index: of the wanted item.
        keys: what the item is told from others by; empty: its own value.
        value: the item's value, where it has no keys.
    """

    index: int
    keys: tuple[tuple[str, Any], ...] = ()
    value: Any = None

    def matches(self, other: Any) -> bool:
        """Whether an item of another list is the same one."""
        if not self.keys:
            return bool(other == self.value)
        return isinstance(other, dict) and all(other.get(k, v) == v for k, v in self.keys)

    def __str__(self) -> str:
        words = dict(self.keys)
        name = words.get("name", ",".join(str(v) for v in words.values()))
        return f"[{name if self.keys else self.value}]"


Path = tuple[str | Item, ...]


@dataclass(frozen=True)
class Taken:
    """A field of ours that somebody else set or removed.

    Args:
        by: the field manager; empty: the API server does not tell.
        theirs: the value that is there; None: it was removed.
        ours: the wanted value.
    """

    path: Path
    by: str
    theirs: Any
    ours: Any

    @property
    def field(self) -> str:
        """Its path as people write it, e.g. ``spec.template.spec.containers[web].image``."""
        return "".join(map(_step_name, self.path)).removeprefix(".")

    @property
    def names(self) -> tuple[str, ...]:
        """Its path as names of fields and of items of lists."""
        return tuple(map(str, self.path))

    @property
    def who(self) -> str:
        """Who it was, in words."""
        done = "removed" if self.theirs is None else "set"
        return f"{done} by {self.by or 'an unknown manager'}"


@dataclass(frozen=True)
class Difference:
    """A wanted object and the live one.

    Args:
        live: None: there is none.
        taken: fields that others set or removed.
        outdated: what is wanted is not what was applied last.
    """

    wanted: Object
    live: Object | None
    taken: tuple[Taken, ...] = ()
    outdated: bool = False

    @property
    def title(self) -> str:
        return title(self.wanted)


def title(document: Mapping[str, Any]) -> str:
    """Kind and name, with the namespace if it has one: ``Deployment shop/web``."""
    _, kind, namespace, name = key(document)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def difference(wanted: Object, live: Object | None) -> Difference:
    """What is to be told or done of an object."""
    if live is None:
        return Difference(wanted, None, outdated=True)
    annotations = live["metadata"].get("annotations") or {}
    entry = our_fields(live, wanted["apiVersion"])
    if entry is None:
        return Difference(wanted, live, outdated=True)
    outdated = annotations.get(APPLIED) != wanted["metadata"]["annotations"][APPLIED]
    anew = outdated and APPLIED in annotations
    body = {k: v for k, v in wanted.items() if k not in ("apiVersion", "kind", "status")}
    lost = dict.fromkeys(_lost(_without_identity(body), live, entry, ()))
    # Whoever writes an object again takes our marks off; that is no change of what it is.
    outdated = outdated or any(map(_is_mark, lost))
    taken = [_taken(wanted, live, path) for path in lost if not _is_mark(path)]
    # What is wanted now was not always wanted: a field that is nobody's is then a new one.
    taken = [one for one in taken if one.by or not anew]
    # The scale subresource told nobody who set it before Kubernetes 1.22.
    count, counted = _at(wanted, _REPLICAS), _at(live, _REPLICAS)
    if isinstance(count, int) and count != counted and _REPLICAS not in lost and not outdated:
        taken.append(Taken(_REPLICAS, "", counted, count))
    return Difference(wanted, live, tuple(taken), outdated)


def kept(found: Difference) -> Object:
    """The wanted object without the fields that others took, to leave them theirs."""
    made = deepcopy(found.wanted)
    for taken in found.taken:
        _remove(made, taken.path)
    swept: Object = _swept(made)
    return swept


def our_fields(live: Object, api_version: str) -> Fields | None:
    """Our fields of an object, by its managedFields; None: we have none in this version."""
    for entry in live["metadata"].get("managedFields") or []:
        if (
            entry.get("manager") == MANAGER
            and entry.get("operation") == "Apply"
            and entry.get("apiVersion") == api_version
            and not entry.get(_SUBRESOURCE)
        ):
            fields: Fields = entry.get("fieldsV1") or {}
            return fields
    return None


def _is_mark(path: Path) -> bool:
    return path[:1] == ("metadata",) and str(path[-1]).startswith(_MARKS)


def _without_identity(body: Object) -> Object:
    """Name and namespace are in nobody's entry."""
    told = ("name", "namespace", "creationTimestamp")
    metadata = {k: v for k, v in body.get("metadata", {}).items() if k not in told}
    return {**body, "metadata": metadata}


def _lost(wanted: Any, live: Any, owned: Fields, path: Path) -> Iterator[Path]:
    """Paths that are wanted and not in our entry."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            if value is None or value in ({}, []):
                continue  # there is nothing in it to own
            here, theirs = (*path, name), _step(live, name)
            sub = owned.get(f"f:{name}")
            if sub or (sub is None and isinstance(value, dict) and isinstance(theirs, dict)):
                yield from _lost(value, theirs, sub or {}, here)
            elif sub is None:
                yield here
    elif isinstance(wanted, list):
        for item, sub in _matched(wanted, owned):
            here = (*path, item)
            if sub is None:
                yield here
            else:
                yield from _lost(wanted[item.index], _step(live, item), sub, here)


def _matched(wanted: Sequence[Any], owned: Fields) -> Iterator[tuple[Item, Fields | None]]:
    """Each wanted item of a list with its fields in an entry; None: they are not there."""
    keyed = [(json.loads(name[2:]), sub) for name, sub in owned.items() if name.startswith("k:")]
    values = [json.loads(name[2:]) for name in owned if name.startswith("v:")]
    names = tuple(keyed[0][0]) if keyed else ()
    # Items that say all of their keys choose first: one that leaves a key out takes the default.
    least = sorted(range(len(wanted)), key=lambda i: sum(n not in wanted[i] for n in names))
    for index in least if names else range(len(wanted)):
        item = wanted[index]
        if not names:
            yield Item(index, value=item), {} if item in values or not values else None
            continue
        found = next(
            (one for one in keyed if Item(index, tuple(one[0].items())).matches(item)), None
        )
        if found:
            keyed.remove(found)
            yield Item(index, tuple(found[0].items())), found[1]
        else:
            yield Item(index, tuple((n, item[n]) for n in names if n in item)), None


def _taken(wanted: Object, live: Object, path: Path) -> Taken:
    return Taken(path, _holder(live, path), _at(live, path), _at(wanted, path))


def _holder(live: Object, path: Path) -> str:
    """Who else has a field in an entry; several are told with commas."""
    entries = live["metadata"].get("managedFields") or []
    found = [
        str(entry.get("manager"))
        for entry in entries
        if not (entry.get("manager") == MANAGER and entry.get("operation") == "Apply")
        and _holds(entry.get("fieldsV1") or {}, path)
    ]
    return ", ".join(dict.fromkeys(found))


def _holds(fields: Fields, path: Path) -> bool:
    for step in path:
        if isinstance(step, str):
            sub = fields.get(f"f:{step}")
        else:
            sub = next((fields[n] for n in fields if _names(n, step)), None)
        if sub is None:
            return False
        if not sub:
            return True
        fields = sub
    return True


def _names(name: str, step: Item) -> bool:
    """Whether a name of FieldsV1 means this item."""
    kind, _, text = name.partition(":")
    return kind in ("k", "v") and step.matches(json.loads(text))


def _step(thing: Any, step: str | Item) -> Any:
    if isinstance(step, str):
        return thing.get(step) if isinstance(thing, dict) else None
    items = thing if isinstance(thing, list) else []
    return next((item for item in items if step.matches(item)), None)


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = _step(document, step)
    return document


_GONE = object()


def _remove(document: Any, path: Path) -> None:
    """Take a field out; an item of a list leaves its place empty, for the others' indexes."""
    *way, last = path
    for step in way:
        document = document[step.index if isinstance(step, Item) else step]
    document[last.index if isinstance(last, Item) else last] = _GONE


def _swept(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _swept(v) for k, v in value.items() if v is not _GONE}
    if isinstance(value, list):
        return [_swept(item) for item in value if item is not _GONE]
    return value


def _step_name(step: str | Item) -> str:
    """A step as it stands in a path; a name with dots in brackets."""
    return str(step) if isinstance(step, Item) else f"[{step}]" if "." in step else f".{step}"
