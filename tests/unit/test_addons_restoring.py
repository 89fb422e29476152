"""An object that others had before an addon set fields of it gets back what it had."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.addons import parents
from kubeinstall.addons.changes import Live, change, removal
from kubeinstall.addons.objects import PART_OF, Object
from kubeinstall.addons.render import Rendered
from kubeinstall.addons.restoring import BEFORE, ON_REMOVAL, remembering, restored
from kubeinstall.deploys.addons import work
from kubeinstall.inventory.catalogue.model import Stage
from tests.unit.addon_folders import applied, config, folder, rendered, with_addons

pytestmark = pytest.mark.unit


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


def test_what_was_there_is_noted_once(tmp_path: Path) -> None:
    addon = one(tmp_path)
    first = change(addon, Live({}, [there({"Corefile": "theirs", "more": "x"})]))
    [wanted] = [d.wanted for d in first.differences if d.wanted["metadata"]["name"] == "dns"]
    assert json.loads(wanted["metadata"]["annotations"][BEFORE]) == {"data": {"Corefile": "theirs"}}
    parent = parents.parent("shop", "1.0", Stage.ADDONS, addon.objects)
    live = [applied(d.wanted) for d in first.differences]
    assert not change(addon, Live({"shop": parent}, live)).any


def test_it_gets_back_what_it_had(tmp_path: Path) -> None:
    addon = one(tmp_path)
    before = there({"Corefile": "theirs"})
    live = [applied(d.wanted) for d in change(addon, Live({}, [before])).differences]
    parent = parents.parent("shop", "1.0", Stage.ADDONS, addon.objects)
    gone = removal("shop", Live({"shop": parent}, live))
    done = work(gone)
    assert done.restored == (before,)
    assert [d["metadata"]["name"] for stage in done.removal.stages for d in stage] == ["own"]
    assert "~ ConfigMap shop/dns (as it was before)" in done.diff
    assert "- ConfigMap shop/own" in done.diff
    assert done


def test_what_nobody_had_before_is_deleted(tmp_path: Path) -> None:
    addon = one(tmp_path)
    live = [applied(d.wanted) for d in change(addon, Live({}, [])).differences]
    done = work(removal("shop", Live({}, live)))
    assert done.restored == ()
    assert len([d for stage in done.removal.stages for d in stage if d["kind"] == "ConfigMap"]) == 2


def test_only_what_is_ours_is_noted() -> None:
    containers = [{"name": "dns", "image": "a", "resources": {"limits": {"memory": "1Mi"}}}]
    found = theirs(spec={"replicas": 2, "paused": False, "template": {"spec": {}}})
    found["spec"]["template"]["spec"] = {"containers": [*containers, {"name": "other"}]}
    ours = {"containers": [{"name": "dns", "resources": {"limits": {"memory": "9Mi"}}}], "x": [1]}
    wanted = part("Deployment", spec={"replicas": 5, "template": {"spec": ours}})
    note = json.loads(remembering(wanted, found)["metadata"]["annotations"][BEFORE])
    assert note == {
        "spec": {
            "replicas": 2,
            "template": {
                "spec": {
                    "containers": [{"name": "dns", "resources": {"limits": {"memory": "1Mi"}}}]
                }
            },
        }
    }


def test_an_object_that_was_written_anew_is_noted_anew() -> None:
    """`kubeadm upgrade` replaces the Deployment: our label and the note are gone with it."""
    wanted = part("Deployment", spec={"replicas": 5})
    ours = remembering(wanted, theirs(spec={"replicas": 2}))
    ours["metadata"]["labels"] = {PART_OF: "x"}
    assert json.loads(remembering(wanted, ours)["metadata"]["annotations"][BEFORE]) == {
        "spec": {"replicas": 2}
    }
    anew = theirs(spec={"replicas": 3})
    assert json.loads(remembering(wanted, anew)["metadata"]["annotations"][BEFORE]) == {
        "spec": {"replicas": 3}
    }


def test_an_object_that_does_not_ask_for_it_is_left_as_it_is() -> None:
    wanted = part(data={"a": "b"})
    del wanted["metadata"]["annotations"]
    assert remembering(deepcopy(wanted), there({"a": "c"})) == wanted
    assert restored(there({"a": "c"})) is None
