"""Labels and taints of running nodes: the inventory's come and go, those of others stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinstall.cluster.node import Node, parsed
from kubeinstall.cluster.node_settings import REFLECTOR, Owned, changes
from kubeinstall.files.kubelet import OWNED
from kubeinstall.inventory.model import Taint
from kubeinstall.operations.nodes import NOTES, NodeChanges
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
    """A node, with what is noted of it beside."""
    return {
        "metadata": {"name": "w1", "labels": labels or {}, "annotations": {}},
        "spec": {"taints": taints or []},
        "noted": json.dumps(owned) if owned else "",
    }


def read(found: dict[str, Any]) -> Node:
    (node,) = parsed([found])
    return node


def told(found: dict[str, Any], name: str = "w1", **settings: Any) -> list[list[str]]:
    host = CLUSTER.host(name).model_copy(update=settings)
    return plain(changes(CLUSTER, host, read(found), found["noted"]), name)


def plain(found: NodeChanges, name: str = "w1") -> list[list[str]]:
    """Calls without what is the same in each; a note by its text."""
    made: list[list[Any]] = []
    for call in found.calls:
        if call[0] != "-n":
            made.append([call[0], *call[4:]])
            continue
        patch = ("-n", "kube-system", "patch", "configmap", NOTES, "--type=merge", "-p")
        assert tuple(call[:-1]) == patch
        [(key, text)] = json.loads(call[-1])["data"].items()
        assert key == name
        made.append(["note", text])
    return made


def test_a_node_as_it_should_be() -> None:
    assert told(node({"a": "1"}, [DB])) == []
    owned = {"labels": ["a"], "taints": ["app:NoSchedule"]}
    taint = Taint(key="app", value="db", effect="NoSchedule")
    assert told(node({"a": "1"}, [DB], owned), labels={"a": "1"}, taints=(taint,)) == []


def test_new_ones_are_noted_before_they_are_set() -> None:
    taint = Taint(key="app", value="db", effect="NoSchedule")
    assert told(node({"a": "0", "b": "2"}), labels={"a": "1"}, taints=(taint,)) == [
        ["note", '{"labels": ["a"], "taints": ["app:NoSchedule"]}'],
        ["label", "a=1"],
        ["taint", "app=db:NoSchedule"],
    ]


def test_a_plan_shows_labels_and_taints_and_not_what_is_noted_of_them() -> None:
    taint = Taint(key="app", value="db", effect="NoSchedule")
    host = CLUSTER.host("w1").model_copy(update={"labels": {"a": "1"}, "taints": (taint,)})
    owned = json.dumps({"labels": ["b"]})
    assert changes(CLUSTER, host, read(node({"b": "2"})), owned).diff.splitlines() == [
        "+label a=1",
        "-label b",
        "+taint app=db:NoSchedule",
    ]


def test_what_is_taken_out_goes_and_others_stay() -> None:
    other = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    owned = {"labels": ["a", "b"], "taints": ["app:NoSchedule"]}
    found = node({"a": "1", "b": "2", "theirs": "3"}, [DB, other], owned)
    assert told(found, labels={"b": "2"}) == [
        ["label", "a-"],
        ["taint", "app:NoSchedule-"],
        ["note", '{"labels": ["b"]}'],
    ]
    assert told(node({"theirs": "3"}, [other], {"labels": ["a"]})) == [["note", None]]


def test_a_control_planes_own_taint_goes_and_comes_back() -> None:
    assert told(node(taints=[KUBEADMS]), "cp1", taints=()) == [
        ["note", '{"labels": [], "taints": []}'],
        ["taint", "node-role.kubernetes.io/control-plane:NoSchedule-"],
    ]
    assert told(node(owned={"labels": [], "taints": []}), "cp1") == [
        ["taint", "node-role.kubernetes.io/control-plane=:NoSchedule"],
        ["note", None],
    ]
    # Nobody has said anything of taints: one that was removed by hand stays so.
    assert told(node(), "cp1") == []


@pytest.mark.parametrize("text", [None, "", "junk", "[]", '{"labels": 5}', "null"])
def test_a_note_that_somebody_broke(text: str | None) -> None:
    assert Owned.parse(text) == Owned()


def reflecting(found: dict[str, Any], *reflectors: str, plugin: str = "calico") -> list[list[str]]:
    network = {"plugin": plugin, "calico": {"route_reflectors": list(reflectors)}}
    made = cluster(workers=1, network=network)
    return plain(changes(made, made.host("w1"), read(found), found["noted"]))


def test_a_route_reflector_comes_and_goes() -> None:
    marked = f"{REFLECTOR}=244.0.0.1"
    noted = ["note", f'{{"labels": ["{REFLECTOR}"]}}']
    assert reflecting(node(), "w1") == [noted, ["label", marked], ["annotate", marked]]
    done = node({REFLECTOR: "244.0.0.1"}, owned={"labels": [REFLECTOR]})
    done["metadata"]["annotations"][REFLECTOR] = "244.0.0.1"
    assert reflecting(done, "w1") == []
    gone = [["label", f"{REFLECTOR}-"], ["annotate", f"{REFLECTOR}-"], ["note", None]]
    assert reflecting(done, "cp1") == gone
    assert reflecting(done, "w1", plugin="flannel") == gone


def test_a_route_reflector_of_somebody_else_stays() -> None:
    theirs = node({REFLECTOR: "1.0.0.1"})
    theirs["metadata"]["annotations"][REFLECTOR] = "1.0.0.1"
    assert reflecting(theirs) == []


def test_a_node_sheds_no_taint_and_no_label_by_its_own_word() -> None:
    """A kubelet may annotate its own node, and may not take off taints and such labels."""
    zone = {"node-restriction.kubernetes.io/zone": "low"}
    evil = node(zone, [{"key": "quarantine", "effect": "NoExecute"}])
    said = json.dumps({"labels": list(zone), "taints": ["quarantine:NoExecute"]})
    evil["metadata"]["annotations"] = {OWNED: said, NOTES: said}
    assert told(evil) == []
    evil["noted"] = said
    assert ["taint", "quarantine:NoExecute-"] in told(evil)
