"""What is to be done with an addon, from what is wanted and what the cluster has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from kubeinstall.addons import objects, parents
from kubeinstall.addons.compare import Difference, Taken, difference, kept, title
from kubeinstall.addons.diffs import diff, removed
from kubeinstall.addons.objects import PART_OF, Object
from kubeinstall.addons.render import Rendered
from kubeinstall.addons.restoring import remembering, restored
from kubeinstall.addons.veil import veiled_at
from kubeinstall.inventory.catalogue.model import GeneratedSecret
from kubeinstall.inventory.catalogue.values import has_secrets
from kubeinstall.inventory.model import ChangesByOthers

Key = tuple[str, str, str, str]
"""Group, kind, namespace and name of an object."""

_WORDS = 200
_BUILT_IN = frozenset(
    f"{name}.k8s.io"
    for name in (
        *("admissionregistration", "apiextensions", "apiregistration", "certificates"),
        *("coordination", "discovery", "events", "flowcontrol.apiserver", "networking", "node"),
        *("rbac.authorization", "resource", "scheduling", "storage"),
    )
)


class Live:
    """What the cluster has of addons.

    Args:
        parents: by addon, its ConfigMap.
        found: all objects that belong to an addon, and others that an addon wants.
    """

    def __init__(self, parents: Mapping[str, Object], found: Sequence[Object]) -> None:
        self.parents = parents
        self.objects = found
        self._by_key = {objects.key(o): o for o in found}
        # One that was applied by another version of its API is there once for each.
        self._by_version = {(objects.key(o), o["apiVersion"]): o for o in found}

    def of(self, addon: str) -> list[Object]:
        """The objects that belong to an addon."""
        mark = objects.apply_set(addon)
        mine = (o for o in self._by_key.values() if _mark(o) == mark)
        return sorted(mine, key=objects.order)

    def like(self, wanted: Object) -> Object | None:
        """The live object of a wanted one."""
        key = objects.key(wanted)
        return self._by_version.get((key, wanted["apiVersion"])) or self._by_key.get(key)

    def has(self, key: Key) -> bool:
        return key in self._by_key


@dataclass(frozen=True)
class Change:
    """What is to be done with one addon.

    Args:
        title: its name and version.
        differences: its objects, each with the live one.
        keep: what others took is theirs.
        secrets: Secrets that the cluster has none of.
        removed: objects that it no longer has.
        before: its ConfigMap as it has to be before anything is done; None: as it is.
        after: its ConfigMap as it has to be at the end; None: as it is.
        gone: the addon is not wanted any more.
        private: it takes values that are secret, so less of its objects is shown.
    """

    name: str
    title: str
    differences: tuple[Difference, ...] = ()
    keep: bool = False
    secrets: tuple[GeneratedSecret, ...] = ()
    namespace: str = ""
    removed: tuple[Object, ...] = ()
    before: Object | None = None
    after: Object | None = None
    gone: bool = False
    seconds: int = 60
    private: bool = False

    @property
    def applied(self) -> list[tuple[Difference, Object]]:
        """What is applied: each difference with the document for it."""
        return [
            (found, kept(found) if self.keep and found.taken else found.wanted)
            for found in self.differences
            if found.outdated or (found.taken and not self.keep)
        ]

    @property
    def taken(self) -> list[tuple[Difference, Taken]]:
        """The fields that others set or removed."""
        return [(found, taken) for found in self.differences for taken in found.taken]

    @property
    def restored(self) -> list[Object]:
        """Of what it no longer has, the documents that give it back to whoever had it before."""
        return [document for o in self.removed if (document := restored(o))]

    @property
    def deleted(self) -> list[Object]:
        """Of what it no longer has, what nobody had before."""
        return [o for o in self.removed if not restored(o)]

    @property
    def adopted(self) -> list[Difference]:
        """Objects that were there before the addon, and were not one's of ours."""
        return [d for d in self.differences if d.live is not None and not _mark(d.live)]

    @property
    def told(self) -> list[str]:
        """What others did to its objects, a line each."""
        lines = []
        for found, taken in self.taken:
            there = "gone" if taken.theirs is None else self._shown(found, taken, taken.theirs)
            ours = self._shown(found, taken, taken.ours)
            then = "left so" if self.keep else f"taken back to {ours}"
            where = f"{self.name}: {taken.field} of {found.title}"
            lines.append(f"{where} is {there}, {taken.who}: {then}")
        return lines + [f"{self.name}: takes over {d.title}, which was there" for d in self.adopted]

    def _shown(self, found: Difference, taken: Taken, value: object) -> str:
        """A value of an object as it may be shown, shortened."""
        return _short(veiled_at(found.wanted, taken.names, value, self.private))

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.applied or self.secrets or self.removed or self.before or self.after or self.gone
        )

    @property
    def operation(self) -> str:
        """What is done, in words."""
        if self.gone:
            return f"Remove {self.name}"
        rest = self.secrets or self.removed or self.before or self.after
        taken = [] if self.keep else self.taken
        if not taken or rest or any(found.outdated for found in self.differences):
            return f"Apply {self.title}"
        found, first = taken[0]
        more = f", and {len(taken) - 1} more" if len(taken) > 1 else ""
        return f"Take back {first.field} of {found.title}, {first.who}{more}"

    @property
    def diff(self) -> str:
        """What changes, as unified diffs."""
        made = "\n".join(f"+ Secret {self.namespace}/{s.name} (generated)" for s in self.secrets)
        back = "\n".join(f"~ {title(document)} (as it was before)" for document in self.restored)
        applied = [diff(found, document, self.private) for found, document in self.applied]
        parts = [*applied, made, back, removed(self.deleted)]
        return "\n".join(filter(None, parts))


def change(
    one: Rendered,
    live: Live,
    elsewhere: frozenset[Key] = frozenset(),
    needs: Iterable[str] = (),
) -> Change:
    """What is to be done with an addon of the inventory.

    Args:
        elsewhere: objects that other addons want.
        needs: names of the addons that it needs.
    """
    file = one.chosen.addon.file
    wanted = {objects.key(document) for document in one.objects}
    generated = {("", "Secret", file.namespace, s.name): s for s in file.generated_secrets}
    gone = [
        document
        for document in live.of(one.name)
        if objects.key(document) not in wanted | generated.keys() | elsewhere
    ]
    stubs = [_secret(key) for key in generated]
    version, held = one.chosen.release.version, [*one.objects, *stubs]
    parent = parents.parent(one.name, version, file.stage, held, needs)
    there = live.parents.get(one.name)
    both = parents.united(parent, there)
    found = [(document, live.like(document)) for document in one.objects]
    return Change(
        one.name,
        one.title,
        tuple(difference(remembering(*pair), pair[1]) for pair in found),
        keep=one.chosen.choice.changes_by_others is ChangesByOthers.KEEP,
        secrets=tuple(s for key, s in generated.items() if not live.has(key)),
        namespace=file.namespace,
        removed=tuple(gone),
        before=None if parents.same(both, there) else both,
        after=None if parents.same(parent, both) else parent,
        seconds=one.chosen.choice.timeout,
        private=has_secrets(one.chosen.addon),
    )


def removal(name: str, live: Live, elsewhere: frozenset[Key] = frozenset()) -> Change:
    """What is to be done with an addon that the inventory does not name any more."""
    mine = [o for o in live.of(name) if objects.key(o) not in elsewhere]
    return Change(name, name, removed=tuple(mine), gone=True)


def removal_order(names: Sequence[str], live: Live) -> list[str]:
    """Addons in the order they are removed: what others need, or have objects in, comes last."""
    needs = {
        name: set(parents.noted(live.parents[name], parents.NEEDS).split(",")) & set(names)
        for name in names
    }
    makers = {
        document["metadata"]["name"]: name
        for name in names
        for document in live.of(name)
        if document["kind"] == "Namespace"
    }
    inside = {
        name: {
            maker
            for document in live.of(name)
            if (maker := makers.get(document["metadata"].get("namespace", ""), name)) != name
        }
        for name in names
    }
    try:
        order = list(TopologicalSorter({n: needs[n] | inside[n] for n in names}).static_order())
    except CycleError:
        order = list(TopologicalSorter(needs).static_order())
    return order[::-1]


def custom(document: Object) -> bool:
    """Whether an object is of a kind that a CRD or another API server defines."""
    group = objects.group(document)
    return "." in group and group not in _BUILT_IN


def wanted_keys(addons: Sequence[Rendered]) -> frozenset[Key]:
    """What addons want, generated Secrets among it."""
    own = frozenset(objects.key(d) for one in addons for d in one.objects)
    return own | generated_keys(addons)


def generated_keys(addons: Sequence[Rendered]) -> frozenset[Key]:
    """The Secrets that addons are given."""
    return frozenset(
        ("", "Secret", one.chosen.addon.file.namespace, secret.name)
        for one in addons
        for secret in one.chosen.addon.file.generated_secrets
    )


def _secret(key: Key) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": key[3], "namespace": key[2]}}


def _mark(document: Object) -> str:
    return str((document["metadata"].get("labels") or {}).get(PART_OF, ""))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}..."
