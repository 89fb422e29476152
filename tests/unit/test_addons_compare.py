"""Who owns which field: objects as an API server (1.20.2) noted their managers.

Each entry of the recording was taken after one change by kubectl to what ``WANTED`` asks for.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.addons.compare import Difference, difference, kept
from kubeinstall.addons.objects import APPLIED, Object

pytestmark = pytest.mark.unit

RECORDING = Path(__file__).parent / "recordings" / "addons-1.20.2.json"
IMAGE = "registry.example.com/demo/busybox:1"
_LABELS = {"applyset.kubernetes.io/part-of": "x"}

DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "labels": {**_LABELS, "app": "web"},
        "annotations": {APPLIED: "abc"},
        "creationTimestamp": None,
    },
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {
                        "name": "web",
                        "image": IMAGE,
                        "command": ["httpd", "-f", "-p", "8080"],
                        "ports": [
                            {"containerPort": 8080},
                            {"containerPort": 53},
                            {"containerPort": 53, "protocol": "UDP"},
                        ],
                        "resources": {"requests": {"cpu": "1000m", "memory": "1024Ki"}},
                        "env": [{"name": "A", "value": "1"}],
                        "securityContext": {"capabilities": {"drop": ["ALL"]}},
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        },
    },
    "status": {"replicas": 0},
}
SERVICE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "labels": _LABELS,
        "finalizers": ["example.com/a"],
    },
    "spec": {
        "selector": {"app": "web"},
        "ports": [
            {"port": 53, "protocol": "UDP", "name": "u"},
            {"port": 80, "protocol": "TCP", "name": "t", "targetPort": 8080},
        ],
    },
}
SHOP: Object = {
    "apiVersion": "example.com/v1",
    "kind": "Shop",
    "metadata": {"name": "s", "namespace": "shop", "labels": _LABELS},
    "spec": {"open": True, "items": ["a", "b"]},
}
CONFIG: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "web", "namespace": "shop", "labels": _LABELS},
    "data": {"a": "1", "b": "two"},
}
WANTED = {document["kind"]: document for document in (DEPLOYMENT, SERVICE, SHOP, CONFIG)}


@cache
def recording() -> dict[str, list[Object]]:
    read: dict[str, list[Object]] = json.loads(RECORDING.read_text())
    return read


def compared(when: str, kind: str = "Deployment", **change: Any) -> Difference:
    """What is wanted against what was recorded."""
    live = deepcopy(next(o for o in recording()[when] if o["kind"] == kind))
    wanted = {**deepcopy(WANTED[kind]), **change}
    # Only the Deployment was given the mark when it was recorded.
    wanted["metadata"].setdefault("annotations", {APPLIED: "abc"})
    live["metadata"].setdefault("annotations", {APPLIED: "abc"})
    if kind != "Deployment":
        ours = next(m for m in live["metadata"]["managedFields"] if m["manager"] == "kubeinstall")
        ours["fieldsV1"]["f:metadata"]["f:annotations"] = {f"f:{APPLIED}": {}}
    return difference(wanted, live)


@pytest.mark.parametrize("kind", list(WANTED))
def test_what_was_just_applied_is_as_wanted(kind: str) -> None:
    """The server's defaults, other spellings of quantities and a status make no difference."""
    found = compared("first", kind)
    assert not found.outdated
    assert found.taken == ()


def test_fields_of_others_beside_ours_are_theirs() -> None:
    """A label by kubectl, a key in a ConfigMap's data: nobody wants them away."""
    assert compared("again").taken == ()
    assert [t.field for t in compared("cm", "ConfigMap").taken] == ["data.b"]


@pytest.mark.parametrize(
    ("when", "kind", "told"),
    [
        ("patched", "Deployment", ["spec.replicas set by kubectl-patch: 1, not 2"]),
        # The scale subresource tells no manager before 1.22.
        ("scaled", "Deployment", ["spec.replicas set by an unknown manager: 3, not 2"]),
        (
            "image",
            "Deployment",
            [
                "spec.template.spec.containers[web].image set by kubectl-set: "
                f"registry.example.com/demo/busybox:2, not {IMAGE}"
            ],
        ),
        (
            "removed",
            "Deployment",
            [
                "metadata.labels.app removed by an unknown manager: None, not web",
                "spec.template.spec.containers[web].env removed by an unknown manager: "
                "None, not [{'name': 'A', 'value': '1'}]",
            ],
        ),
        (
            "port",
            "Service",
            [
                "spec.ports[53,UDP] removed by an unknown manager: "
                "None, not {'port': 53, 'protocol': 'UDP', 'name': 'u'}"
            ],
        ),
        ("shop", "Shop", ["spec.open set by kubectl-patch: False, not True"]),
        ("cm", "ConfigMap", ["data.b set by kubectl-patch: three, not two"]),
    ],
)
def test_a_field_that_somebody_took_is_told(when: str, kind: str, told: list[str]) -> None:
    found = compared(when, kind)
    assert [f"{t.field} {t.who}: {t.theirs}, not {t.ours}" for t in found.taken] == told
    assert not found.outdated


def test_another_wish_is_applied() -> None:
    metadata = {**DEPLOYMENT["metadata"], "annotations": {APPLIED: "def"}}
    found = compared("first", metadata=metadata)
    assert found.outdated
    assert found.taken == ()


def test_a_field_that_is_wanted_newly_was_removed_by_nobody() -> None:
    """As when a new version of an addon sets more than the one before."""
    metadata = {**DEPLOYMENT["metadata"], "annotations": {APPLIED: "def"}}
    spec = {**DEPLOYMENT["spec"], "minReadySeconds": 5, "revisionHistoryLimit": 3}
    found = compared("first", metadata=metadata, spec=spec)
    assert found.outdated
    assert found.taken == ()
    assert kept(found)["spec"]["minReadySeconds"] == 5
    # What others have set meanwhile is theirs all the same.
    found = compared("image", metadata=metadata, spec=spec)
    assert [t.field for t in found.taken] == ["spec.template.spec.containers[web].image"]


def test_an_object_that_is_missing_or_was_not_applied_by_us_is_applied() -> None:
    assert difference(DEPLOYMENT, None).outdated
    live = deepcopy(recording()["first"][0])
    live["metadata"]["managedFields"] = []
    assert difference(WANTED[live["kind"]], live).outdated


def test_marks_that_are_gone_are_no_change_of_the_object() -> None:
    """`kubeadm upgrade` writes its Deployment anew; what it is like is told, and left if asked."""
    live = deepcopy(next(o for o in recording()["first"] if o["kind"] == "Deployment"))
    live["metadata"] |= {"annotations": {}, "labels": {"app": "web"}}
    ours = next(m for m in live["metadata"]["managedFields"] if m["manager"] == "kubeinstall")
    ours["fieldsV1"]["f:metadata"] = {"f:labels": {"f:app": {}}}
    found = difference(deepcopy(DEPLOYMENT), live)
    assert found.outdated
    assert found.taken == ()
    assert kept(found)["metadata"]["labels"] == DEPLOYMENT["metadata"]["labels"]


def test_another_api_version_is_applied() -> None:
    found = compared("first", apiVersion="apps/v2")
    assert found.outdated


def test_what_others_took_can_be_left_to_them() -> None:
    image = kept(compared("image"))
    container = image["spec"]["template"]["spec"]["containers"][0]
    assert "image" not in container
    assert container["name"] == "web"
    assert image["spec"]["replicas"] == 2
    assert kept(compared("port", "Service"))["spec"]["ports"] == SERVICE["spec"]["ports"][1:]
    assert SERVICE["spec"]["ports"][0]["port"] == 53
