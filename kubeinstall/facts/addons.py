"""What the cluster has of addons: all that was applied of them, as it is now."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api.facts import FactBase

from kubeinstall.facts.kubeadm import KUBECTL
from kubeinstall.facts.kubectl import kubectl
from kubeinstall.facts.values import beginning, unpacked
from kubeinstall.resources import script

Json = dict[str, Any]

ADDON_LABEL = "kubeinstall.io/addon"
KINDS = "kubeinstall.io/kinds"
"""Annotation of an addon's ConfigMap: the kinds of its objects, as ``Kind.version.group``."""
PART_OF = "applyset.kubernetes.io/part-of"
PREFIX = "kubeinstall-addon-"
"""How the names of addons' ConfigMaps and Secrets in kube-system begin."""

_RECORD = "--"
"""Between packed answers: not in base64."""
_SERVED = "::"
"""Before the packed table of what is served."""
_ROW = re.compile(
    r"(?:^|\s)(?:(?P<group>[a-z0-9.-]+)/)?v[0-9][a-z0-9]*\s+(?P<namespaced>true|false)"
    r"\s+(?P<kind>[A-Z][A-Za-z0-9]*)\s*$"
)
"""The end of a line of ``kubectl api-resources``: APIVERSION, NAMESPACED and KIND."""
# kubectl writes this cache on each call. /run is in memory, so a run that changes nothing leaves
# the disk alone.
_CACHE = "/run/kubeinstall/kubectl"
_KIND = r"[A-Z][A-Za-z0-9]*\.v[a-z0-9]+\.[a-z0-9.-]*"
_NO_SUCH_KIND = "doesn't have a resource type"


@dataclass(frozen=True)
class AddonState:
    """What the cluster has of addons.

    Args:
        parents: by addon, the ConfigMap that says what it has.
        secrets: by addon, the Secret with what is noted of objects of others.
        namespaced: whether objects of a group and kind have a namespace, of all that is served.
        objects: all that is labelled as part of an addon; anybody may have labelled it.
        error: why it is not known; empty: it is.
        answered: there is a cluster, and it said so.
    """

    parents: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    namespaced: dict[tuple[str, str], bool] = field(default_factory=dict)
    objects: tuple[Json, ...] = ()
    error: str = ""
    answered: bool = False


class Addons(FactBase[AddonState]):
    """The addons' ConfigMaps, and every object that belongs to one (ApplySet, KEP-3659).

    Args:
        served: whether to ask which kinds the cluster serves, which only addons that are to be
            applied need.
    """

    @staticmethod
    def default() -> AddonState:
        return AddonState()

    def command(self, served: bool = True) -> str:
        question = script(
            "addons/state",
            served="yes" if served else "",
            kubectl=kubectl(),
            addon_label=ADDON_LABEL,
            kinds=KINDS,
            kind=_KIND,
            part_of=PART_OF,
            cache=_CACHE,
        )
        return "\n".join([_functions(), question])

    def process(self, output: list[str]) -> AddonState:
        first, *rest = "\n".join(output).split(_RECORD)
        first, _, served = first.partition(_SERVED)
        kept, error = _items(first)
        objects: list[Json] = []
        for record in rest:
            items, said = _items(record)
            objects += items
            error = error or said
        parents, secrets = (_by_addon(kept, kind) for kind in ("ConfigMap", "Secret"))
        namespaced = _namespaced(served)
        return AddonState(parents, secrets, namespaced, tuple(objects), error, not error)


class Objects(FactBase[tuple[Json, ...]]):
    """Some objects by name, whoever made them; those that are not there are left out.

    Args:
        refs: kind (``Kind.version.group``), namespace (empty without one) and name of each.
        pods: namespaces, all pods of which are asked for as well.
    """

    @staticmethod
    def default() -> tuple[Json, ...]:
        return ()

    def command(self, refs: Sequence[tuple[str, str, str]], pods: Sequence[str] = ()) -> str:
        together: dict[tuple[str, str], list[str]] = {}
        for kind, namespace, name in refs:
            together.setdefault((kind, namespace), []).append(name)
        asked = [
            [kind, *names, "--ignore-not-found", *(["-n", namespace] if namespace else [])]
            for (kind, namespace), names in together.items()
        ]
        asked += [["pods", "-n", namespace] for namespace in pods]
        each = [f"get {shlex.join(words)} $shown | pack; echo --" for words in asked]
        known = f"case $({KUBECTL} get --help) in *$shown*) ;; *) shown= ;; esac"
        return "\n".join([_functions(), known, *each, "true"]) if asked else "true"

    def process(self, output: list[str]) -> tuple[Json, ...]:
        found: list[Json] = []
        for record in "\n".join(output).split(_RECORD):
            found += _items(record)[0]
        return tuple(found)


@dataclass(frozen=True)
class VolumeState:
    """The PersistentVolumes of the cluster.

    Args:
        error: why they are not known; empty: they are.
    """

    volumes: tuple[Json, ...] = ()
    error: str = ""


class Volumes(FactBase[VolumeState]):
    """All PersistentVolumes."""

    @staticmethod
    def default() -> VolumeState:
        return VolumeState()

    def command(self) -> str:
        return "\n".join([_functions(), "get persistentvolumes | pack"])

    def process(self, output: list[str]) -> VolumeState:
        found, error = _items("\n".join(output))
        return VolumeState(tuple(found), error)


def _namespaced(packed: str) -> dict[tuple[str, str], bool]:
    """What the API server serves, by group and kind; a table that is cut off says nothing."""
    try:
        table = unpacked(packed)
    except ValueError:
        return {}
    rows = (_ROW.search(line) for line in table.splitlines())
    return {(r["group"] or "", r["kind"]): r["namespaced"] == "true" for r in rows if r}


def _items(packed: str) -> tuple[list[Json], str]:
    """The objects of a packed answer, and what was said instead."""
    if not packed.strip():
        return [], ""
    try:
        text = unpacked(packed)
    except ValueError:
        return [], "the answer was cut off"
    if not text.strip():
        return [], ""
    try:
        # What was said before the answer is a warning.
        document = beginning(text[text.index("{") :])
    except ValueError:
        said = " ".join(text.split())
        return [], "" if _NO_SUCH_KIND in said else said[-300:]
    if not isinstance(document, dict):
        return [], ""
    items = document.get("items") if document.get("kind") == "List" else [document]
    return [
        i for i in items or [] if isinstance(i, dict) and isinstance(i.get("metadata"), dict)
    ], ""


def _by_addon(kept: Sequence[Json], kind: str) -> dict[str, Json]:
    """The objects of a kind that are named as an addon's ConfigMap and Secret are."""
    found = {}
    for document in kept:
        metadata = document["metadata"]
        name = str((metadata.get("labels") or {}).get(ADDON_LABEL, ""))
        if document.get("kind") == kind and metadata.get("name") == PREFIX + name:
            found[name] = document
    return found


def _functions() -> str:
    return script("addons/functions", kubectl=kubectl())
