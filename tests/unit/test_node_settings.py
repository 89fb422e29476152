"""Labels and taints of running nodes: the inventory's come and go, those of others stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinstall.deploys.node_settings import OWNED, REFLECTOR, Owned, calls
from kubeinstall.inventory.model import Taint
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit

CLUSTER = cluster(workers=1)
KUBEADMS = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
DB = {"key": "app", "value": "db", "effect": "NoSchedule"}


def node(
    labels: dict[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
    owned: dict[str, Any] | None = None,
) -> dict[str, Any]:
    notes = {OWNED: json.dumps(owned)} if owned else {}
    return {
        "metadata": {"name": "w1", "labels": labels or {}, "annotations": notes},
        "spec": {"taints": taints or []},
    }


def told(found: dict[str, Any], name: str = "w1", **settings: Any) -> list[list[str]]:
    host = CLUSTER.host(name).model_copy(update=settings)
    return [[call[0], *call[4:]] for call in calls(CLUSTER, host, found)]


def test_a_node_as_it_should_be() -> None:
    assert told(node({"a": "1"}, [DB])) == []
    owned = {"labels": ["a"], "taints": ["app:NoSchedule"]}
    taint = Taint(key="app", value="db", effect="NoSchedule")
    assert told(node({"a": "1"}, [DB], owned), labels={"a": "1"}, taints=(taint,)) == []


def test_new_ones_are_noted_before_they_are_set() -> None:
    taint = Taint(key="app", value="db", effect="NoSchedule")
    assert told(node({"a": "0", "b": "2"}), labels={"a": "1"}, taints=(taint,)) == [
        ["annotate", f'{OWNED}={{"labels": ["a"], "taints": ["app:NoSchedule"]}}'],
        ["label", "a=1"],
        ["taint", "app=db:NoSchedule"],
    ]


def test_what_is_taken_out_goes_and_others_stay() -> None:
    other = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    owned = {"labels": ["a", "b"], "taints": ["app:NoSchedule"]}
    found = node({"a": "1", "b": "2", "theirs": "3"}, [DB, other], owned)
    assert told(found, labels={"b": "2"}) == [
        ["label", "a-"],
        ["taint", "app:NoSchedule-"],
        ["annotate", f'{OWNED}={{"labels": ["b"]}}'],
    ]
    assert told(node({"theirs": "3"}, [other], {"labels": ["a"]})) == [["annotate", f"{OWNED}-"]]


def test_a_control_planes_own_taint_goes_and_comes_back() -> None:
    assert told(node(taints=[KUBEADMS]), "cp1", taints=()) == [
        ["annotate", f'{OWNED}={{"labels": [], "taints": []}}'],
        ["taint", "node-role.kubernetes.io/control-plane:NoSchedule-"],
    ]
    assert told(node(owned={"labels": [], "taints": []}), "cp1") == [
        ["taint", "node-role.kubernetes.io/control-plane=:NoSchedule"],
        ["annotate", f"{OWNED}-"],
    ]
    # Nobody has said anything of taints: one that was removed by hand stays so.
    assert told(node(), "cp1") == []


@pytest.mark.parametrize("text", [None, "", "junk", "[]", '{"labels": 5}', "null"])
def test_a_note_that_somebody_broke(text: str | None) -> None:
    assert Owned.parse(text) == Owned()


def reflecting(found: dict[str, Any], *reflectors: str, plugin: str = "calico") -> list[list[str]]:
    network = {"plugin": plugin, "calico": {"route_reflectors": list(reflectors)}}
    made = cluster(workers=1, network=network)
    return [[call[0], *call[4:]] for call in calls(made, made.host("w1"), found)]


def test_a_route_reflector_comes_and_goes() -> None:
    marked = f"{REFLECTOR}=244.0.0.1"
    noted = ["annotate", f'{OWNED}={{"labels": ["{REFLECTOR}"]}}']
    assert reflecting(node(), "w1") == [noted, ["label", marked], ["annotate", marked]]
    done = node({REFLECTOR: "244.0.0.1"}, owned={"labels": [REFLECTOR]})
    done["metadata"]["annotations"][REFLECTOR] = "244.0.0.1"
    assert reflecting(done, "w1") == []
    gone = [["label", f"{REFLECTOR}-"], ["annotate", f"{REFLECTOR}-"], ["annotate", f"{OWNED}-"]]
    assert reflecting(done, "cp1") == gone
    assert reflecting(done, "w1", plugin="flannel") == gone


def test_a_route_reflector_of_somebody_else_stays() -> None:
    theirs = node({REFLECTOR: "1.0.0.1"})
    theirs["metadata"]["annotations"][REFLECTOR] = "1.0.0.1"
    assert reflecting(theirs) == []
