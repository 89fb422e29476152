"""YAML of others as objects, patches on them, and hooks of charts."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinstall.addons.documents import NotObjectsError, objects
from kubeinstall.addons.helm import own
from kubeinstall.addons.objects import Object
from kubeinstall.addons.patches import PatchError, merged, patched

pytestmark = pytest.mark.unit


def thing(name: str, namespace: str | None = None, **more: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **more}


def test_what_kubernetes_takes_for_text_stays_text() -> None:
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {9000: shop/web:80, day: 2026-11-21, time: 12:30:45, minus: -1:30, equal: =, none: null}
numbers: {whole: 8080, octal: 0644, part: 1.5}
words: {said: yes, quoted: "12:30"}
"""
    found = next(objects(text))
    assert found["data"] == {
        "9000": "shop/web:80",
        "day": "2026-11-21",
        "time": "12:30:45",
        "minus": "-1:30",
        "equal": "=",
        "none": None,
    }
    assert found["numbers"] == {"whole": 8080, "octal": 420, "part": 1.5}
    assert found["words"] == {"said": True, "quoted": "12:30"}


def test_lists_are_their_items() -> None:
    text = """
---
# nothing
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: a}}
- apiVersion: v1
  kind: List
  items: [{apiVersion: v1, kind: Service, metadata: {name: b}}]
---
apiVersion: v1
kind: ConfigMapList
items: [{metadata: {name: c}}]
---
{apiVersion: v1, kind: SecretList, items: null}
---
{apiVersion: example.org/v1, kind: AllowList, metadata: {name: d}}
"""
    found = [(d["kind"], d["metadata"]["name"]) for d in objects(text)]
    expected = [("Secret", "a"), ("Service", "b"), ("ConfigMap", "c"), ("AllowList", "d")]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "it is not YAML"),
        ("a: !!python/object:os.system x", "it is not YAML"),
        (b"\xff\xfe\x00", "it is not YAML"),
        ("404 page not found", "document 1 in it is not an object"),
        ("kind: ConfigMap", "document 1 in it has no apiVersion or no kind"),
        ("{apiVersion: v1, kind: Pod}\n", "document 1 in it, of kind Pod, has no metadata.name"),
        ("{apiVersion: v1, kind: List, items: [3]}", "item 1 of document 1 in it is not an object"),
    ],
)
def test_no_objects(text: str | bytes, why: str) -> None:
    with pytest.raises(NotObjectsError, match=why):
        list(objects(text))


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # The table of RFC 7386, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_a_patch_is_for_the_objects_it_names() -> None:
    given = [thing("a", "x", data={"k": "1"}), thing("a", "y"), thing("b")]
    made = patched(
        given, [thing("a", "x", data={"k": None, "l": "2"}), thing("b", data={"m": "3"})]
    )
    assert made == [thing("a", "x", data={"l": "2"}), thing("a", "y"), thing("b", data={"m": "3"})]
    assert given[0]["data"] == {"k": "1"}
    everywhere = patched(given, [thing("a", data={"n": "4"})])
    assert [d.get("data", {}).get("n") for d in everywhere] == ["4", "4", None]


def test_a_patch_can_leave_an_object_out() -> None:
    given = [thing("a"), thing("b")]
    assert patched(given, [{**thing("a"), "$patch": "delete"}]) == [thing("b")]
    with pytest.raises(PatchError, match=r"ConfigMap a \(v1\) has \$patch: replace"):
        patched(given, [{**thing("a"), "$patch": "replace"}])


def test_a_patch_for_nothing_is_an_error() -> None:
    with pytest.raises(PatchError) as error:
        patched([thing("web", "x")], [thing("wbe", "x")])
    assert str(error.value) == (
        "the patch of ConfigMap x/wbe (v1) matches no object; there is ConfigMap x/web (v1)"
    )


def test_hooks_of_installations_are_objects_others_are_left_out() -> None:
    def hook(name: str, when: str) -> Object:
        made = thing(name)
        made["metadata"]["annotations"] = {
            "helm.sh/hook": when,
            "helm.sh/hook-weight": "5",
            "other": "stays",
        }
        return made

    given = [
        thing("plain"),
        hook("certificates", "pre-install, pre-upgrade"),
        hook("try", "test"),
        hook("clean", "pre-delete,post-rollback"),
    ]
    made = list(own(given))
    assert [d["metadata"]["name"] for d in made] == ["plain", "certificates"]
    assert made[1]["metadata"]["annotations"] == {"other": "stays"}


def test_a_hooks_job_stays_and_nothing_says_that_helm_keeps_it() -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm", "app": "x"}
    spec = {"ttlSecondsAfterFinished": 60, "template": {}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}
    hook = {"name": "a", "labels": labels, "annotations": {"helm.sh/hook": "pre-install"}}
    made, plain = own([{**job, "metadata": hook}, {**job, "metadata": {"name": "b"}}])
    assert made["spec"] == {"template": {}}
    assert made["metadata"]["labels"] == {"app": "x"}
    assert plain["spec"] == spec
