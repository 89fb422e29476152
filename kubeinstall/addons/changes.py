"""What is to be done with an addon, from what is wanted and what the cluster has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from kubeinstall.addons import objects, parents
from kubeinstall.addons.compare import Difference, Taken, difference, kept, title
from kubeinstall.addons.diffs import diff, removed
from kubeinstall.addons.objects import PART_OF, Key, Object
from kubeinstall.addons.parents import Broken, Holding, holding
from kubeinstall.addons.render import Rendered
from kubeinstall.addons.restoring import (
    LEGACY,
    Note,
    Notes,
    declares,
    from_annotation,
    noted,
    notes_secret,
)
from kubeinstall.addons.veil import veiled_at
from kubeinstall.addons.volumes import Held, provisioners
from kubeinstall.inventory.catalogue.model import GeneratedSecret
from kubeinstall.inventory.catalogue.values import has_secrets
from kubeinstall.inventory.model import ChangesByOthers

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
        found: all objects that are labelled as an addon's, and others that an addon wants.
        secrets: by addon, the Secret with its notes.
    """

    def __init__(
        self,
        parents: Mapping[str, Object],
        found: Sequence[Object],
        secrets: Mapping[str, Object] | None = None,
    ) -> None:
        self.parents = parents
        self.secrets = secrets or {}
        self.objects = found
        self._by_key = {objects.key(o): o for o in found}
        # One that was applied by another version of its API is there once for each.
        self._by_version = {(objects.key(o), o["apiVersion"]): o for o in found}

    def of(self, addon: str) -> list[Object]:
        """The objects that belong to an addon."""
        held = self.holding(addon)
        return sorted(filter(held.has, self._by_key.values()), key=objects.order)

    def holding(self, addon: str) -> Holding:
        """What is kept of an addon in kube-system."""
        return holding(addon, self.parents.get(addon), self.secrets.get(addon))

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
        notes: what objects of others were before.
        notes_before: the Secret with them, written before anything is done; None: as it is.
        notes_after: the same at the end.
        gone: the addon is not wanted any more.
        private: it takes values that are secret, so less of its objects is shown.
        provisioners: who makes and deletes volumes by an addon that goes.
        volumes: those of them that are in use.
        broken: why nothing can be done, for what is kept of the addon cannot be read.
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
    notes: Notes = field(default_factory=dict)
    notes_before: Object | None = None
    notes_after: Object | None = None
    gone: bool = False
    seconds: int = 60
    private: bool = False
    provisioners: frozenset[str] = frozenset()
    volumes: tuple[Held, ...] = ()
    broken: Broken | None = None

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
        found = (self.notes.get(objects.key(o)) for o in self.removed)
        return [document for note in found if note and (document := note.document())]

    @property
    def deleted(self) -> list[Object]:
        """Of what it no longer has, what nobody had before."""
        return [
            o
            for o in self.removed
            if objects.key(o) not in self.notes and not self._holds_others(o)
        ]

    def _holds_others(self, live: Object) -> bool:
        """Whether it is the namespace of an object that is given back."""
        inside = {d["metadata"].get("namespace") for d in (*self.restored, *self.left)}
        return live["kind"] == "Namespace" and live["metadata"]["name"] in inside

    @property
    def left(self) -> list[Object]:
        """Of what it no longer has, what somebody had before, and nobody knows how it was."""
        found = ((o, self.notes.get(objects.key(o))) for o in self.removed)
        return [o for o, note in found if note and note.fields is None]

    @property
    def adopted(self) -> list[Difference]:
        """Objects that were there before the addon, and were not one's of ours."""
        return [d for d in self.differences if d.live is not None and not _mark(d.live)]

    @property
    def told(self) -> list[str]:
        """What others did to its objects, a line each."""
        lines = [f"{self.name}: {self.broken.why}"] if self.broken else []
        for found, taken in self.taken:
            there = "gone" if taken.theirs is None else self._shown(found, taken, taken.theirs)
            ours = self._shown(found, taken, taken.ours)
            then = "left as it is" if self.keep else f"reset to {ours}"
            where = f"{self.name}: {taken.field} of {found.title}"
            lines.append(f"{where} is {there}, {taken.who}: {then}")
        lines += [f"{self.name}: takes over {d.title}, which already existed" for d in self.adopted]
        lines += [
            f"{self.name}: {title(o)} stays as it is: its state before the addon is unknown"
            for o in self.left
        ]
        lines += [
            f"{self.name}: {title(o)} stays, because it contains objects from before the addon"
            for o in self.removed
            if self._holds_others(o)
        ]
        return lines

    def _shown(self, found: Difference, taken: Taken, value: object) -> str:
        """A value of an object as it may be shown, shortened."""
        return _short(veiled_at(found.wanted, taken.names, value, self.private))

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.applied
            or self.secrets
            or self.removed
            or self.before
            or self.after
            or self.notes_before
            or self.notes_after
            or self.gone
        )

    @property
    def action(self) -> str:
        """What is done, in words."""
        if self.gone:
            return f"Remove {self.name}"
        rest = self.secrets or self.removed or self.before or self.after or self.notes_before
        taken = [] if self.keep else self.taken
        if not taken or rest or any(found.outdated for found in self.differences):
            return f"Apply {self.title}"
        found, first = taken[0]
        more = f", and {len(taken) - 1} more" if len(taken) > 1 else ""
        return f"Revert {first.field} of {found.title}, {first.who}{more}"

    @property
    def diff(self) -> str:
        """What changes, as unified diffs."""
        made = "\n".join(f"+ Secret {self.namespace}/{s.name} (generated)" for s in self.secrets)
        back = "\n".join(f"~ {title(document)} (restored)" for document in self.restored)
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
    held = live.holding(one.name)
    if held.broken:
        return Change(one.name, one.title, broken=held.broken)
    file = one.chosen.addon.file
    wanted = {objects.key(document) for document in one.objects}
    generated = {("", "Secret", file.namespace, s.name): s for s in file.generated_secrets}
    mine = live.of(one.name)
    gone = [
        document
        for document in mine
        if objects.key(document) not in wanted | generated.keys() | elsewhere
    ]
    stubs = [_secret(key) for key in generated]
    version, all_wanted = one.chosen.release.version, [*one.objects, *stubs]
    makers = provisioners(one.objects) | frozenset(file.provisioners)
    parent = parents.parent(one.name, version, file.stage, all_wanted, needs, makers)
    there = live.parents.get(one.name)
    both = parents.united(parent, there, mine)
    found = [(document, live.like(document)) for document in one.objects]
    kept_notes = {note.key: note for pair in found if (note := _note(*pair, held))}
    all_notes = {**held.notes, **kept_notes}
    return Change(
        one.name,
        one.title,
        tuple(difference(*pair) for pair in found),
        keep=one.chosen.choice.changes_by_others is ChangesByOthers.KEEP,
        secrets=tuple(s for key, s in generated.items() if not live.has(key)),
        namespace=file.namespace,
        removed=tuple(gone),
        before=None if parents.same(both, there) else both,
        after=None if parents.same(parent, both) else parent,
        notes=all_notes,
        notes_before=_notes(one.name, all_notes, held.notes),
        notes_after=_notes(one.name, kept_notes, all_notes),
        seconds=one.chosen.choice.timeout,
        private=has_secrets(one.chosen.addon),
    )


def _note(wanted: Object, live: Object | None, held: Holding) -> Note | None:
    """What is noted of an object that an addon sets only fields of.

    An object that is not ours is as others made it: it was there first, or kubeadm wrote it again.
    """
    if not declares(wanted):
        return None
    note = held.notes.get(objects.key(wanted))
    if live is None:
        return note
    if not held.has(live):
        return noted(wanted, live)
    return from_annotation(wanted, live) if held.objects is None else note


def _notes(addon: str, wanted: Notes, there: Notes) -> Object | None:
    """The Secret with an addon's notes; None: there is nothing to change."""
    return None if dict(wanted) == dict(there) else notes_secret(addon, wanted.values())


def removal(name: str, live: Live, elsewhere: frozenset[Key] = frozenset()) -> Change:
    """What is to be done with an addon that is no longer in the inventory."""
    held = live.holding(name)
    if held.broken:
        return Change(name, name, gone=True, broken=held.broken)
    mine = [o for o in live.of(name) if objects.key(o) not in elsewhere]
    notes = dict(held.notes)
    if held.objects is None:
        notes |= {objects.key(o): _unknown(o) for o in mine if _has_legacy_note(o)}
    makers = held.provisioners | provisioners(mine)
    return Change(name, name, removed=tuple(mine), notes=notes, gone=True, provisioners=makers)


def _has_legacy_note(live: Object) -> bool:
    return LEGACY in (live["metadata"].get("annotations") or {})


def _unknown(live: Object) -> Note:
    """An older version noted it on the object itself, which nobody can vouch for."""
    return Note(objects.key(live), str(live["apiVersion"]), None)


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
