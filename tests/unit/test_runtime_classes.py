"""Runtime classes: containerd's handlers, and the cluster's objects."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from kubeinstall.facts.runtime_classes import ClassState, RuntimeClasses
from kubeinstall.files import containerd as containerd_files
from kubeinstall.files import runtime_classes as runtime_class_files
from kubeinstall.inventory.model import Cluster, RuntimeName
from kubeinstall.operations.runtime_classes import runtime_classes
from tests.unit.clusters import cluster
from tests.unit.operating import commands

pytestmark = pytest.mark.unit

CRUN = {"package": "crun", "binary": "/usr/bin/crun"}
GVISOR = {"type": "io.containerd.runsc.v1", "options": {"TypeUrl": "io.containerd.runsc.v1"}}
KATA = {"type": "io.containerd.kata.v2"}


def with_classes(**classes: Any) -> Cluster:
    return cluster(runtime={"classes": classes})


@pytest.mark.parametrize(
    ("major", "path"),
    [
        (1, ("io.containerd.grpc.v1.cri", "containerd", "runtimes")),
        (2, ("io.containerd.cri.v1.runtime", "containerd", "runtimes")),
    ],
)
def test_containerds_handlers(major: int, path: tuple[str, ...]) -> None:
    made = with_classes(crun=CRUN, gvisor=GVISOR, kata=KATA)
    found = tomllib.loads(containerd_files.config_toml(made, major))["plugins"]
    for key in path:
        found = found[key]
    runc = "io.containerd.runc.v2"
    assert found == {
        "runc": {"runtime_type": runc, "options": {"SystemdCgroup": True}},
        "crun": {
            "runtime_type": runc,
            "options": {"SystemdCgroup": True, "BinaryName": "/usr/bin/crun"},
        },
        "gvisor": {
            "runtime_type": "io.containerd.runsc.v1",
            "options": {"TypeUrl": "io.containerd.runsc.v1"},
        },
        "kata": {"runtime_type": "io.containerd.kata.v2"},
    }


def test_packages_once() -> None:
    fast = {**CRUN, "options": {"NoPivotRoot": True}}
    assert runtime_class_files.packages(with_classes(crun=CRUN, fast=fast, kata=KATA)) == ["crun"]


def test_docker_has_none() -> None:
    runtime = {"name": RuntimeName.DOCKER, "classes": {"crun": CRUN}}
    assert runtime_class_files.names(cluster(runtime=runtime)) == ()


def made(
    monkeypatch: pytest.MonkeyPatch, have: dict[str, ClassState], *wanted: str
) -> list[tuple[str, str | None]]:
    yielded = commands(monkeypatch, runtime_classes, {RuntimeClasses: have}, wanted=wanted)
    return [(command.get_raw_value(), command.stdin) for command in yielded]


def test_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    ((line, stdin),) = made(monkeypatch, {}, "crun")
    assert "apply --server-side" in line
    document = json.loads(stdin or "")
    assert (document["metadata"]["name"], document["handler"]) == ("crun", "crun")
    assert document["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "kubeinstall"}


def test_what_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    have = {"crun": ClassState("crun", ours=True), "theirs": ClassState("runsc", ours=False)}
    assert made(monkeypatch, have, "crun") == []
    assert made(monkeypatch, {"crun": ClassState("crun", ours=False)}, "crun") == []


def test_only_ours_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    have = {"crun": ClassState("crun", ours=True), "theirs": ClassState("crun", ours=False)}
    ((line, _),) = made(monkeypatch, have)
    assert line.endswith("delete --ignore-not-found runtimeclass crun")


def test_another_handler_of_that_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError, match=r"cluster\.runtime\.classes\.gvisor another name"):
        made(monkeypatch, {"gvisor": ClassState("runsc", ours=False)}, "gvisor")


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (
            ["crun   crun   kubeinstall", "gvisor runsc  <none>", "kata   kata   Helm"],
            {
                "crun": ClassState("crun", ours=True),
                "gvisor": ClassState("runsc", ours=False),
                "kata": ClassState("kata", ours=False),
            },
        ),
        (["The connection was refused"], {}),
        ([], {}),
    ],
)
def test_the_clusters_answer(lines: list[str], state: dict[str, ClassState]) -> None:
    assert RuntimeClasses().process(lines) == state
