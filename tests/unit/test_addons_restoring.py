"""An object that others had before an addon set fields of it gets back what it had."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.addons import parents
from kubeinstall.addons.changes import Change, Live, change, removal
from kubeinstall.addons.objects import PART_OF, Object, apply_set, key
from kubeinstall.addons.render import Rendered
from kubeinstall.addons.restoring import (
    LEGACY,
    ON_REMOVAL,
    BrokenNotesError,
    Note,
    from_annotation,
    noted,
    notes_secret,
    read_notes,
)
from kubeinstall.deploys.addons import work
from tests.unit.addon_folders import applied, config, folder, rendered, with_addons

pytestmark = pytest.mark.unit

ADMIN: Object = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "mine"},
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
}


def part(kind: str = "ConfigMap", **body: Any) -> Object:
    """A part of an object that is another's."""
    version = "v1" if kind == "ConfigMap" else "apps/v1"
    metadata = {"name": "dns", "namespace": "shop", "annotations": {ON_REMOVAL: "restore"}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def theirs(**body: Any) -> Object:
    """The whole object, without marks of ours."""
    metadata = {"name": "dns", "namespace": "shop", "labels": {"k8s-app": "dns"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **body}


def one(top: Path) -> Rendered:
    folder(top, "shop", part(data={"Corefile": "ours"}), config("own", a="b"))
    return rendered(with_addons(top, shop={}))[0]


def there(data: dict[str, str]) -> Object:
    return config("dns", **data) | {"metadata": {"name": "dns", "namespace": "shop"}}


def after(first: Change, *more: Object) -> Live:
    """The cluster once a change has been carried out."""
    kept = {d["kind"]: dict(d) for d in work(first).before}
    secrets = {"shop": kept["Secret"]} if "Secret" in kept else {}
    found = [*(applied(d.wanted) for d in first.differences), *more]
    return Live({"shop": dict(kept["ConfigMap"])}, found, secrets)


def older(live: Live, annotations: dict[str, str] | None = None) -> Live:
    """The same cluster as an older version left it: nothing listed, notes on objects."""
    parent = {k: v for k, v in live.parents["shop"].items() if k != "data"}
    found = deepcopy(list(live.objects))
    for document in found:
        if document["metadata"]["name"] == "dns":
            document["metadata"]["annotations"] |= annotations or {}
    return Live({"shop": parent}, found)


def deleted(made: Change) -> list[str]:
    return [d["metadata"]["name"] for stage in work(made).removal.stages for d in stage]


def test_what_was_there_is_noted_once(tmp_path: Path) -> None:
    addon = one(tmp_path)
    first = change(addon, Live({}, [there({"Corefile": "theirs", "more": "x"})]))
    secret, parent = work(first).before
    assert (secret["kind"], parent["kind"]) == ("Secret", "ConfigMap")
    [note] = read_notes(dict(secret)).values()
    assert note == Note(("", "ConfigMap", "shop", "dns"), "v1", {"data": {"Corefile": "theirs"}})
    assert not change(addon, after(first)).any


def test_it_gets_back_what_it_had(tmp_path: Path) -> None:
    before = there({"Corefile": "theirs"})
    gone = removal("shop", after(change(one(tmp_path), Live({}, [before]))))
    done = work(gone)
    assert done.restored == (before,)
    assert deleted(gone) == ["own"]
    assert gone.told == [
        "shop: Namespace shop stays, because it contains objects from before the addon"
    ]
    assert done.removal.namespaces == ()
    assert "~ ConfigMap shop/dns (restored)" in done.diff
    assert "- Namespace" not in done.diff
    assert "- ConfigMap shop/own" in done.diff
    assert done


def test_what_nobody_had_before_is_deleted(tmp_path: Path) -> None:
    gone = removal("shop", after(change(one(tmp_path), Live({}, []))))
    assert work(gone).restored == ()
    assert sorted(deleted(gone)) == ["dns", "own"]
    assert work(gone).removal.namespaces == ("shop",)


def test_only_what_is_ours_is_noted() -> None:
    containers = [{"name": "dns", "image": "a", "resources": {"limits": {"memory": "1Mi"}}}]
    found = theirs(spec={"replicas": 2, "paused": False, "template": {"spec": {}}})
    found["spec"]["template"]["spec"] = {"containers": [*containers, {"name": "other"}]}
    ours = {"containers": [{"name": "dns", "resources": {"limits": {"memory": "9Mi"}}}], "x": [1]}
    wanted = part("Deployment", spec={"replicas": 5, "template": {"spec": ours}})
    assert noted(wanted, found).fields == {
        "spec": {
            "replicas": 2,
            "template": {
                "spec": {
                    "containers": [{"name": "dns", "resources": {"limits": {"memory": "1Mi"}}}]
                }
            },
        }
    }


def test_an_object_that_was_written_again_is_noted_again(tmp_path: Path) -> None:
    """`kubeadm upgrade` replaces an object: our label is gone with it."""
    addon = one(tmp_path)
    live = after(change(addon, Live({}, [there({"Corefile": "theirs"})])))
    found = [o for o in live.objects if o["metadata"]["name"] != "dns"]
    again = change(addon, Live(live.parents, [*found, there({"Corefile": "new"})], live.secrets))
    [note] = read_notes(dict(work(again).before[0])).values()
    assert note.fields == {"data": {"Corefile": "new"}}


def test_an_object_that_does_not_ask_for_it_is_not_noted(tmp_path: Path) -> None:
    folder(tmp_path, "shop", config("dns", a="b"))
    addon = rendered(with_addons(tmp_path, shop={}))[0]
    made = change(addon, Live({}, [there({"a": "c"})]))
    assert [d["kind"] for d in work(made).before] == ["ConfigMap"]


def test_a_note_is_forgotten_once_its_object_has_been_given_back(tmp_path: Path) -> None:
    live = after(change(one(tmp_path / "old"), Live({}, [there({"Corefile": "theirs"})])))
    folder(tmp_path / "new", "shop", config("own", a="b"))
    made = change(rendered(with_addons(tmp_path / "new", shop={}))[0], live)
    assert work(made).restored == (there({"Corefile": "theirs"}),)
    assert work(made).before == ()
    secret, parent = work(made).after
    assert read_notes(dict(secret)) == {}
    assert "dns" not in parent["data"][parents.OBJECTS]


def labelled(**annotations: str) -> Object:
    """What a tenant makes of a ConfigMap in its own namespace."""
    made = config("evil", a="b")
    made["metadata"] |= {
        "namespace": "tenant",
        "labels": {PART_OF: apply_set("shop")},
        "annotations": annotations,
    }
    return made


@pytest.mark.parametrize("note", [json.dumps(ADMIN), "{", "[]", '"x"', "[" * 100_000, "null"])
@pytest.mark.parametrize("namespace", ["tenant", "shop", "kube-system"])
@pytest.mark.parametrize("old", [False, True])
def test_what_a_tenant_labelled_is_neither_applied_nor_deleted(
    tmp_path: Path, note: str, namespace: str, old: bool
) -> None:
    """Neither the label nor an annotation of any form; an older cluster's list is of namespaces."""
    evil = labelled(**{LEGACY: note, ON_REMOVAL: "restore"})
    evil["metadata"]["namespace"] = namespace
    addon = one(tmp_path)
    live = after(change(addon, Live({}, [there({"Corefile": "theirs"})])), evil)
    live = older(live) if old else live
    gone = removal("shop", live)
    assert ADMIN["kind"] not in [d["kind"] for d in work(gone).restored]
    assert "evil" not in [d["metadata"]["name"] for d in work(gone).restored]
    assert "evil" not in deleted(gone)
    kept = change(addon, live)
    assert work(kept).restored == ()
    if namespace == "tenant" or not old:
        assert kept.removed == ()
        assert "evil" not in [o["metadata"]["name"] for o in gone.removed]


def test_what_a_note_says_of_an_object_of_an_older_version_is_never_an_identity(
    tmp_path: Path,
) -> None:
    note = {**ADMIN, "status": {}, "data": {"Corefile": "theirs", "more": "x"}}
    addon = one(tmp_path)
    live = older(after(change(addon, Live({}, []))), {LEGACY: json.dumps(note)})
    migrated = change(addon, live)
    assert [d.title for d, _ in migrated.applied] == []
    assert migrated.removed == ()
    [found] = read_notes(dict(work(migrated).before[0])).values()
    assert found == Note(("", "ConfigMap", "shop", "dns"), "v1", {"data": {"Corefile": "theirs"}})
    moved = after(migrated)
    assert work(removal("shop", moved)).restored == (there({"Corefile": "theirs"}),)
    assert not change(addon, moved).any


@pytest.mark.parametrize("note", ["{", "[]", "7", "[" * 100_000])
def test_an_object_whose_old_note_is_broken_is_left_and_the_rest_goes_on(
    tmp_path: Path, note: str
) -> None:
    addon = one(tmp_path)
    live = older(after(change(addon, Live({}, []))), {LEGACY: note})
    moved = after(change(addon, live))
    gone = removal("shop", moved)
    assert deleted(gone) == ["own"]
    assert work(gone).restored == ()
    assert gone.told == [
        "shop: ConfigMap shop/dns stays as it is: its state before the addon is unknown",
        "shop: Namespace shop stays, because it contains objects from before the addon",
    ]


def test_an_addon_of_an_older_version_that_is_removed_leaves_what_has_an_old_note(
    tmp_path: Path,
) -> None:
    note = json.dumps({"data": {"Corefile": "theirs"}})
    live = older(after(change(one(tmp_path), Live({}, []))), {LEGACY: note})
    gone = removal("shop", live)
    assert (work(gone).restored, deleted(gone)) == ((), ["own"])
    assert len(gone.told) == 2


def test_an_old_note_says_nothing_of_roles_which_the_server_did_not_check() -> None:
    wanted = deepcopy(ADMIN)
    wanted["metadata"]["annotations"] = {ON_REMOVAL: "restore"}
    live = deepcopy(wanted)
    live["metadata"]["annotations"][LEGACY] = json.dumps({"roleRef": {"name": "cluster-admin"}})
    assert from_annotation(wanted, live) == Note(key(wanted), live["apiVersion"], None)


def _entry(secret: Object, change_it: Callable[[Any], Any]) -> Object:
    entries = change_it(json.loads(base64.b64decode(secret["data"]["before"])))
    encoded = base64.b64encode(json.dumps(entries).encode()).decode()
    return {**secret, "data": {"before": encoded}}


@pytest.mark.parametrize(
    "change_it",
    [
        lambda _: {},
        lambda _: [7],
        lambda es: [{**es[0], "metadata": {}}],
        lambda es: [{**es[0], "name": 7}],
        lambda es: [{**es[0], "fields": []}],
        lambda es: [{**es[0], "fields": {"kind": "Pod"}}],
        lambda es: [{**es[0], "fields": {"metadata": {"name": "x"}}}],
    ],
)
def test_a_secret_with_more_than_fields_of_objects_is_refused(
    tmp_path: Path, change_it: Callable[[Any], Any]
) -> None:
    addon = one(tmp_path)
    live = after(change(addon, Live({}, [there({"Corefile": "theirs"})])))
    broken = _entry(live.secrets["shop"], change_it)
    with pytest.raises(BrokenNotesError):
        read_notes(broken)
    torn = Live(live.parents, live.objects, {"shop": broken})
    for made in (change(addon, torn), removal("shop", torn)):
        assert made.broken
        assert made.broken.kind == "Secret"
        assert (made.removed, made.applied, made.restored) == ((), [], [])


@pytest.mark.parametrize("data", [{}, {"before": "%"}, {"before": "e30"}, {"before": "Ww=="}])
def test_a_secret_without_notes_is_refused(data: dict[str, str]) -> None:
    with pytest.raises(BrokenNotesError):
        read_notes({**notes_secret("shop", []), "data": data})


@pytest.mark.parametrize("text", ["", "{", "7", '[["", "ConfigMap"]]', '[["", "", "", 7]]', "{}"])
def test_a_config_map_whose_list_is_broken_is_refused(tmp_path: Path, text: str) -> None:
    addon = one(tmp_path)
    live = after(change(addon, Live({}, [])))
    parent = {**live.parents["shop"], "data": {parents.OBJECTS: text}}
    made = change(addon, Live({"shop": parent}, live.objects))
    assert made.broken
    assert made.broken.kind == "ConfigMap"


def test_a_note_for_what_the_addon_does_not_have_is_never_applied(tmp_path: Path) -> None:
    live = after(change(one(tmp_path), Live({}, [])))
    stray = notes_secret("shop", [Note(("", "ConfigMap", "other", "x"), "v1", {"data": {}})])
    made = removal("shop", Live(live.parents, live.objects, {"shop": stray}))
    assert work(made).restored == ()
