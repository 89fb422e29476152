"""What keeps an addon's objects from being ready, from their statuses."""

from __future__ import annotations

import base64
import gzip
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.addons import parents
from kubeinstall.addons.readiness import namespaces, refs, unready_of
from kubeinstall.cluster.readiness import unmet, unready
from kubeinstall.inventory.catalogue.model import Stage
from kubeinstall.verify.checks import addons as checks
from kubeinstall.verify.status import AddonStatus, as_text
from tests.unit.addon_folders import applied, deployment, folder, rendered, with_addons
from tests.unit.checked import Answers, always, ended
from tests.unit.waiting_pods import pod

pytestmark = pytest.mark.unit


def thing(kind: str, spec: Any = None, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "x/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "generation": 2},
        "spec": spec or {},
        "status": status,
    }


def conditions(**found: str) -> dict[str, Any]:
    listed = [{"type": k, "status": v, "reason": "R", "message": "m"} for k, v in found.items()]
    return {"conditions": listed}


SEEN = {"observedGeneration": 2}
MADE = {**SEEN, "replicas": 2, "updatedReplicas": 2}


@pytest.mark.parametrize(
    "ready",
    [
        thing("Deployment", {"replicas": 2}, **MADE, availableReplicas=2),
        thing("Deployment", {"replicas": 0}, **SEEN),
        thing("DaemonSet", **SEEN),
        thing(
            "DaemonSet",
            **SEEN,
            desiredNumberScheduled=2,
            updatedNumberScheduled=2,
            numberAvailable=2,
        ),
        thing(
            "DaemonSet",
            {"updateStrategy": {"type": "OnDelete"}},
            **SEEN,
            desiredNumberScheduled=2,
            numberAvailable=2,
        ),
        thing(
            "StatefulSet",
            {"replicas": 1},
            **SEEN,
            readyReplicas=1,
            currentRevision="a",
            updateRevision="a",
        ),
        thing("ReplicaSet", {"replicas": 1}, **SEEN, availableReplicas=1),
        thing("Job", **conditions(Complete="True")),
        thing("Job", {"suspend": True}),
        thing("PersistentVolumeClaim", phase="Bound"),
        thing("CustomResourceDefinition", **conditions(Established="True", NamesAccepted="True")),
        thing("APIService", **conditions(Available="True")),
        thing("Namespace", phase="Active"),
        thing("Service", {"type": "LoadBalancer"}, loadBalancer={"ingress": [{"ip": "10.0.0.1"}]}),
        thing("Service"),
        thing("ConfigMap"),
        thing("Pod", phase="Succeeded"),
    ],
    ids=lambda o: str(o["kind"]),
)
def test_ready(ready: dict[str, Any]) -> None:
    assert unready(ready) is None


@pytest.mark.parametrize(
    ("document", "reason", "final"),
    [
        (thing("Deployment", {"replicas": 2}), "its controller has not processed it yet", False),
        (
            thing("Deployment", {"replicas": 2}, observedGeneration=1),
            "its controller has not processed it yet",
            False,
        ),
        (
            thing("Deployment", {"replicas": 2}, **SEEN, **conditions(ReplicaFailure="True")),
            "0 of 2 pods are created: m",
            False,
        ),
        (
            thing("Deployment", {"replicas": 2}, **{**MADE, "replicas": 3}, availableReplicas=2),
            "1 old pods still exist",
            False,
        ),
        (
            thing("Deployment", {"replicas": 2}, **MADE, availableReplicas=1),
            "1 of 2 pods are available",
            False,
        ),
        (
            thing("DaemonSet", **SEEN, desiredNumberScheduled=2, updatedNumberScheduled=1),
            "1 of 2 pods are created",
            False,
        ),
        (
            thing("StatefulSet", {"replicas": 2}, **SEEN, readyReplicas=1),
            "1 of 2 pods are ready",
            False,
        ),
        (
            thing(
                "StatefulSet",
                {"replicas": 2},
                **SEEN,
                readyReplicas=2,
                updatedReplicas=1,
                currentRevision="a",
                updateRevision="b",
            ),
            "1 of 2 pods are updated",
            False,
        ),
        (thing("Job"), "it is not complete", False),
        (thing("Job", **conditions(Failed="True")), "it failed: R: m", True),
        (
            thing("PersistentVolumeClaim", phase="Pending"),
            "it is Pending: no volume is bound to it",
            False,
        ),
        (
            thing("CustomResourceDefinition", **conditions(NamesAccepted="False")),
            "its names are taken: m",
            True,
        ),
        (
            thing("APIService", **conditions(Available="False")),
            "it is not available: m",
            False,
        ),
        (thing("Namespace", phase="Terminating"), "it is Terminating", False),
        (
            thing("Service", {"type": "LoadBalancer"}),
            "no load balancer has given it an address",
            False,
        ),
    ],
    ids=lambda value: str(value["kind"]) if isinstance(value, dict) else None,
)
def test_not_ready(document: dict[str, Any], reason: str, final: bool) -> None:
    found = unready(document)
    assert found
    assert (found.reason, found.final) == (reason, final)
    assert found.what == f"{document['kind']} shop/web"


def test_an_object_on_its_way_out_is_not_ready() -> None:
    leaving = thing("ConfigMap")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-21T06:00:00Z"
    assert "being deleted" in str(unready(leaving))


def waiting_deployment() -> dict[str, Any]:
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}}
    return thing("Deployment", spec, **SEEN, updatedReplicas=1, replicas=1)


def test_the_newest_pod_that_tells_why_is_named() -> None:
    pods = [
        pod("web-old", "CrashLoopBackOff", created="2026-11-21T05:00:00Z"),
        pod("web-new", "ErrImagePull", "no such tag", created="2026-11-21T06:00:00Z"),
        pod("web-newest", "ContainerCreating", created="2026-11-21T06:00:01Z"),
        pod("other", "ErrImagePull", app="other"),
    ]
    found = unready(waiting_deployment(), pods)
    assert found
    assert str(found) == (
        "Deployment shop/web: 0 of 1 pods are available; pod shop/web-new: "
        "ErrImagePull: no such tag"
    )
    assert not found.final


@pytest.mark.parametrize(
    ("reason", "message", "final"),
    [
        ("ErrImagePull", "manifest for x:1 not found: manifest unknown: manifest unknown", True),
        ("ErrImagePull", 'failed to resolve reference "x:1": x:1: not found', True),
        ("ImagePullBackOff", 'Back-off pulling image "x:1": ErrImagePull: x:1: not found', True),
        ("ImagePullBackOff", 'Back-off pulling image "x:1"', False),
        ("ErrImagePull", "dial tcp 192.0.2.1:443: connection refused", False),
        (
            "ErrImagePull",
            "pull access denied, repository does not exist or may require login",
            False,
        ),
        ("CrashLoopBackOff", "sh: x: not found", False),
    ],
)
def test_an_image_that_its_registry_does_not_have_is_final(
    reason: str, message: str, final: bool
) -> None:
    found = unready(waiting_deployment(), [pod("web", reason, message)])
    assert found
    assert found.final is final


def test_what_waiting_does_not_change_is_final() -> None:
    found = unready(waiting_deployment(), [pod("web", "InvalidImageName", "bad reference")])
    assert found
    assert found.final


def test_a_condition_that_is_named_has_to_be_true() -> None:
    named = ("Tigera", "", "x", "Available")
    assert unmet(thing("Tigera", **conditions(Available="True")), *named) is None
    assert str(unmet(None, *named)) == "Tigera x: it does not exist yet"
    found = unmet(thing("Tigera", **conditions(Available="False")), *named)
    assert str(found) == "Tigera x: Available is False (R: m)"


def test_an_addon_is_ready_when_all_it_has_is(tmp_path: Path) -> None:
    ready = [{"kind": "Tigera.v1.example.org", "name": "x", "condition": "Available"}]
    folder(tmp_path, "shop", ready=ready)
    (one,) = rendered(with_addons(tmp_path, shop={}))
    assert refs(one) == (
        ("Namespace.v1.", "", "shop"),
        ("Deployment.v1.apps", "shop", "shop"),
        ("Tigera.v1.example.org", "", "x"),
    )
    assert namespaces(one) == ("shop",)
    live = [applied(d) for d in one.objects]
    assert [str(u) for u in unready_of(one, live)] == ["Tigera x: it does not exist yet"]
    named = thing("Tigera", **conditions(Available="True"))
    named |= {"apiVersion": "example.org/v1", "metadata": {"name": "x"}}
    assert unready_of(one, [*live, named]) == []
    assert [str(u) for u in unready_of(one, [live[0], named])] == [
        "Deployment shop/shop: it does not exist"
    ]


def test_where_an_object_is_whose_condition_is_named(tmp_path: Path) -> None:
    condition = {"kind": "Ceph.v1.example.org", "name": "x", "condition": "Ready"}
    folder(tmp_path, "shop", ready=[{**condition, "namespace": "rook"}])
    (one,) = rendered(with_addons(tmp_path, shop={}))
    [found] = unready_of(one, [applied(d) for d in one.objects])
    assert (found.kind, found.namespace, found.name) == ("Ceph", "rook", "x")
    assert found.what == "Ceph rook/x"


def packed(*documents: Any) -> str:
    text = json.dumps({"kind": "List", "items": documents})
    return base64.b64encode(gzip.compress(text.encode())).decode()


def test_verify_asks_for_each_addon(tmp_path: Path) -> None:
    asked = {"name": "it serves {{ namespace }}", "get": "/apis/x", "contains": '"items"'}
    folder(tmp_path, "shop", checks=[asked])
    made = with_addons(tmp_path, shop={})
    ready, serves = checks.checks(made)
    assert (ready.__doc__, serves.__doc__) == (
        "Addon shop is ready.",
        "Addon shop: it serves shop.",
    )
    wanted = rendered(made)[0].objects
    parent = parents.parent("shop", "1.0", Stage.ADDONS, wanted)
    live = [applied(d) for d in wanted]
    answers: Answers = always(f"{packed(parent)}\n--\n{packed(*live)}")
    assert ended(ready, answers) == ""
    live[-1]["status"]["availableReplicas"] = 0
    ready, _ = checks.checks(made)
    told = ended(ready, always(f"{packed(parent)}\n--\n{packed(*live)}"))
    assert told == "Deployment shop/shop: 0 of 1 pods are available"
    stranger = deepcopy(live[-1])
    stranger["metadata"] |= {"namespace": "tenant"}
    live[-1]["status"]["availableReplicas"] = 1
    ready, _ = checks.checks(made)
    assert ended(ready, always(f"{packed(parent)}\n--\n{packed(*live, stranger)}")) == ""
    ready, _ = checks.checks(made)
    assert ended(ready, always(packed())) == "it is not in the cluster"
    parent["data"] = {"objects": "x"}
    ready, _ = checks.checks(made)
    told = ended(ready, always(f"{packed(parent)}\n--\n{packed(*live)}"))
    assert told.startswith("ConfigMap kube-system/kubeinstall-addon-shop: its key")


def test_what_an_addon_serves_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checks, "_PAUSE", 0)
    folder(tmp_path, "shop", checks=[{"name": "it serves", "get": "/apis/x", "contains": "item"}])
    _, serves = checks.checks(with_addons(tmp_path, shop={}))
    answers = [(1, ""), (0, "none"), (0, "an item")]
    assert ended(serves, lambda _: answers.pop(0)) == ""
    assert "/apis/x does not return item: none" in ended(serves, always("none"))


def test_status_tells_addons() -> None:
    text = as_text([], [AddonStatus("a", "1.0"), AddonStatus("b", "2.0", "Deployment x: late")])
    assert text.splitlines()[-2:] == [
        "addons: a 1.0",
        "addon b 2.0: not ready: Deployment x: late",
    ]


def test_the_default_of_replicas_is_one() -> None:
    bare = deployment("x")
    del bare["spec"]["replicas"]
    bare |= {"status": {**SEEN, "updatedReplicas": 1, "replicas": 1}}
    bare["metadata"]["generation"] = 2
    assert "0 of 1" in str(unready(bare))


def daemon_set(available: int, updated: int = 2) -> dict[str, Any]:
    return thing(
        "DaemonSet",
        {"selector": {"matchLabels": {"app": "web"}}},
        **SEEN,
        desiredNumberScheduled=2,
        updatedNumberScheduled=updated,
        numberAvailable=available,
    )


def on(node: str, ready: str = "False") -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": node, "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"nodeName": node},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_a_daemon_sets_pod_on_a_node_that_is_off_is_not_waited_for() -> None:
    pods = [on("w1", "True"), on("w2")]
    assert unready(daemon_set(1), pods, frozenset({"w2"})) is None
    assert unready(daemon_set(1), pods) is not None
    assert unready(daemon_set(1), pods, frozenset({"w1"})) is not None
    assert unready(daemon_set(0), [on("w1"), on("w2")], frozenset({"w2"})) is not None
    assert unready(daemon_set(1, updated=0), pods, frozenset({"w2"})) is not None
