"""What kubectl is called with for nodes and kubelets, and that nothing is where nothing changes."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from kubeinstall.operations import nodes
from kubeinstall.operations.nodes import CORDONED, NOTES, Label, NodeChanges, Taint

pytestmark = pytest.mark.unit

PATCH = ["-n", "kube-system", "patch", "configmap"]


def calls(operation: Any, **arguments: Any) -> list[list[str]]:
    """The arguments of each kubectl, after those that are the same in all."""
    found = []
    for command in operation._inner(**arguments):
        for line in command.get_raw_value().split(" &&\n"):
            kubectl, config, admin, timeout, *rest = shlex.split(line)
            assert (kubectl, config) == ("/usr/bin/kubectl", "--kubeconfig")
            assert admin == "/etc/kubernetes/admin.conf"
            assert timeout.startswith("--request-timeout=")
            found.append(rest)
    return found


def test_a_node_gets_all_that_changes_in_order() -> None:
    changes = NodeChanges(
        "w1",
        noted_first="both",
        labels=(Label("a", "1"), Label("b", "$(x) y"), Label("c", None)),
        annotations=(Label("n", None),),
        taints=(Taint("t", "NoSchedule", ""), Taint("u", "NoExecute", None)),
        noted_last="",
        create_notes=True,
    )
    head = ["--overwrite", "node", "w1"]
    assert calls(nodes.node_settings, changes=changes) == [
        ["-n", "kube-system", "create", "configmap", NOTES],
        [*PATCH, NOTES, "--type=merge", "-p", json.dumps({"data": {"w1": "both"}})],
        ["label", *head, "a=1", "b=$(x) y", "c-"],
        ["annotate", *head, "n-"],
        ["taint", *head, "t=:NoSchedule", "u:NoExecute-"],
        [*PATCH, NOTES, "--type=merge", "-p", json.dumps({"data": {"w1": None}})],
    ]
    inner: Any = nodes.node_settings
    [command] = inner._inner(changes)
    assert command.diff.splitlines() == [
        *("+label a=1", "+label b=$(x) y", "-label c"),
        *("+taint t=:NoSchedule", "-taint u:NoExecute"),
    ]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        (nodes.node_settings, {"changes": NodeChanges("w1", create_notes=True)}),
        (nodes.configmap_patched, {"configmap": "kubelet-config", "patch": None}),
        (nodes.requests_approved, {"requests": []}),
    ],
)
def test_nothing_is_run_where_nothing_changes(operation: Any, arguments: Any) -> None:
    assert calls(operation, **arguments) == []


def test_the_others() -> None:
    patch = {"data": {"kubelet": "it's"}}
    assert calls(nodes.uncordoned, node="w1") == [
        ["uncordon", "w1"],
        ["annotate", "node", "w1", f"{CORDONED}-"],
    ]
    assert calls(nodes.requests_approved, requests=["csr-1", "csr-2"]) == [
        ["certificate", "approve", "csr-1"],
        ["certificate", "approve", "csr-2"],
    ]
    assert calls(nodes.configmap_patched, configmap="kubelet-config", patch=patch) == [
        [*PATCH, "kubelet-config", "--type=merge", "-p", json.dumps(patch)]
    ]
