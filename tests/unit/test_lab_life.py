"""Signs of life of a lab's cluster: what etcd still holds from before does not count."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kubeinstall.lab.life import Signs, dead, signs

pytestmark = pytest.mark.unit

OLD, BOOT, NEW = "2026-11-27T10:00:00Z", "2026-11-27T12:00:00Z", "2026-11-27T12:00:09Z"
SINCE = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)


def answer(*items: dict[str, Any]) -> str:
    kinds = ("Node", "Pod", "Lease")
    lists = [[item for item in items if item["kind"] == kind] for kind in kinds]
    pairs = zip(kinds, lists, strict=True)
    return "".join(
        json.dumps({"kind": f"{kind}List", "items": each}) + "\n\x1e" for kind, each in pairs
    )


def node(heard: str | None, ready: str = "True") -> dict[str, Any]:
    beat = {"lastHeartbeatTime": heard} if heard else {}
    conditions = [
        {"type": "MemoryPressure", "status": "True", "lastHeartbeatTime": NEW},
        {"type": "Ready", "status": ready, **beat},
    ]
    return {"kind": "Node", "metadata": {"name": "w1"}, "status": {"conditions": conditions}}


def pod(*started: str | None, ready: str = "True") -> dict[str, Any]:
    states: list[Any] = [
        {"running": {"startedAt": at}} if at else {"waiting": {}} for at in started
    ]
    return {
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": []},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready, "lastProbeTime": None}],
            "containerStatuses": [{"name": "c", "state": state} for state in states],
        },
    }


def lease(
    renewed: str,
    holder: str = "cp1_a",
    name: str = "kube-scheduler",
    namespace: str = "kube-system",
) -> dict[str, Any]:
    spec = {"holderIdentity": holder, "renewTime": renewed.replace("Z", ".123456Z")}
    return {"kind": "Lease", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def static(*started: str | None) -> dict[str, Any]:
    found = pod(*started, ready="False")
    found["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "0123", "other": "x"}
    return found


ALIVE = [static(NEW), node(NEW), node(BOOT), pod(NEW), pod(BOOT, NEW), lease(NEW), lease(BOOT)]
DEAD = [
    *(node(OLD), node(None), node(NEW, "False"), node(NEW, "Unknown")),
    *(
        static(OLD),
        static(None),
        static(),
        pod(),
    ),
    *(pod(OLD), pod(NEW, OLD), pod(NEW, None), pod(NEW, ready="False")),
    *(lease(OLD), lease(NEW, holder=""), lease(NEW, name="x"), lease(NEW, namespace="shop")),
]


@pytest.mark.parametrize("thing", ALIVE)
def test_what_has_been_heard_of_since_it_started_is_alive(thing: dict[str, Any]) -> None:
    found = signs(answer(thing), SINCE)
    assert str(found) in ("nodes w1", "pods shop/web", "leases kube-scheduler")


@pytest.mark.parametrize("thing", DEAD)
def test_what_was_alive_before_is_not_alive_now(thing: dict[str, Any]) -> None:
    assert not signs(answer(thing), SINCE)


def test_without_a_moment_all_that_is_up_counts() -> None:
    found = signs(answer(node(None), pod(OLD), lease(OLD)))
    assert found == Signs(
        nodes=frozenset({"w1"}), pods=frozenset({"shop/web"}), leaders=frozenset({"kube-scheduler"})
    )


def test_what_is_missing() -> None:
    before, now = signs(answer(node(NEW), pod(NEW))), signs(answer(node(NEW), lease(NEW)))
    assert str(before.without(now)) == "pods shop/web"
    assert not before.without(before)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"kind": "NodeList", "items": [{"kind": "Node"}]}',
        '{"kind": "NodeList", "items": 3}',
        '{"kind": "SecretList", "items": []}',
    ],
)
def test_an_answer_of_another_form(text: str) -> None:
    with pytest.raises(ValueError, match="not lists of objects"):
        signs(text + "\x1e")


def test_an_answer_that_was_cut_off_counts_as_far_as_it_is_whole() -> None:
    whole = answer(node(NEW), pod(NEW))
    assert str(signs(whole[: whole.index("PodList")])) == "nodes w1"
    assert not signs("")


def test_what_is_meant_to_live_and_does_not() -> None:
    ended, going = pod("x"), pod(None)
    ended["status"] = {"phase": "Succeeded"}
    going["metadata"]["deletionTimestamp"] = NEW
    fine = [node(OLD), pod(OLD), lease(NEW, holder=""), ended, going]
    assert not dead(answer(*fine))
    assert str(dead(answer(*fine, node(NEW, "Unknown"), pod(None)))) == "nodes w1; pods shop/web"


def test_a_pod_that_is_being_deleted_is_not_waited_for() -> None:
    going = pod(NEW)
    assert str(signs(answer(going))) == "pods shop/web"
    going["metadata"]["deletionTimestamp"] = NEW
    assert not signs(answer(going))


def test_written_in_order() -> None:
    names = frozenset("dabc")
    assert Signs(pods=names).model_dump()["pods"] == sorted(names)
