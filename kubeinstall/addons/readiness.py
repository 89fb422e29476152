"""What keeps an addon from being ready: its objects, and the conditions its file names."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.addons.objects import Object, key
from kubeinstall.addons.parents import kind_name
from kubeinstall.addons.render import Rendered
from kubeinstall.cluster.pending import Unready
from kubeinstall.cluster.readiness import unmet, unready, watched

Ref = tuple[str, str, str]
"""Kind.version.group, namespace and name."""

_WORKLOADS = ("DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet")


def refs(one: Rendered) -> tuple[Ref, ...]:
    """The objects that tell whether an addon is ready."""
    own = [
        (kind_name(d), d["metadata"].get("namespace", ""), d["metadata"]["name"])
        for d in one.objects
        if watched(d)
    ]
    named = [(r.kind, r.namespace or "", r.name) for r in one.chosen.addon.file.ready]
    return tuple(dict.fromkeys([*own, *named]))


def namespaces(one: Rendered) -> tuple[str, ...]:
    """Where an addon has pods."""
    found = (d["metadata"].get("namespace", "") for d in one.objects if d["kind"] in _WORKLOADS)
    return tuple(dict.fromkeys(name for name in found if name))


def unready_of(
    one: Rendered, found: Sequence[Object], absent: frozenset[str] = frozenset()
) -> list[Unready]:
    """What is not ready of an addon.

    Args:
        found: live objects, pods among them; others than its own do no harm.
        absent: nodes on which no pod of a DaemonSet is waited for.
    """
    by_key = {key(o): o for o in found}
    pods = [o for o in found if o["kind"] == "Pod"]
    missing = []
    for wanted in filter(watched, one.objects):
        live = by_key.get(key(wanted))
        missing.append(unready(live, pods, absent) if live else _gone(wanted))
    for ready in one.chosen.addon.file.ready:
        kind, _, rest = ready.kind.partition(".")
        group = rest.partition(".")[2]
        namespace = ready.namespace or ""
        live = by_key.get((group, kind, namespace, ready.name))
        missing.append(unmet(live, kind, namespace, ready.name, ready.condition))
    return [one for one in missing if one]


def _gone(wanted: Object) -> Unready:
    _, kind, namespace, name = key(wanted)
    return Unready(kind, namespace, name, "it does not exist")
