"""What keeps nodes and pods from being ready, from recorded objects."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kubeinstall.cluster.absent import lost_dns
from kubeinstall.cluster.conditions import (
    pending_nodes,
    pending_pods,
    pressed_nodes,
    without_pods_of,
)
from kubeinstall.cluster.node import parsed
from kubeinstall.cluster.pending import Memory, Pending
from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.phases import ready, smoke
from tests.unit.awaited import STATIC, answering, node, of_node, pod, pressed, static, waiting
from tests.unit.clusters import cluster
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit


def test_a_ready_cluster_has_nothing_pending() -> None:
    assert pending_nodes(parsed([node("cp1")]), ["cp1"]) == []
    assert pending_pods([pod("etcd", "True"), pod("job", phase="Succeeded")]) == []


def test_pods_of_addons_are_waited_for_where_those_are_applied() -> None:
    """One that cannot run would otherwise keep its own cure away."""

    def made(name: str, kind: str, by: str) -> dict[str, Any]:
        found = pod(name)
        found["metadata"]["ownerReferences"] = [{"kind": kind, "name": by, "controller": True}]
        return found

    workloads = [
        {"kind": kind, "metadata": {"name": name, "namespace": "kube-system"}}
        for kind, name in (("Deployment", "coredns"), ("DaemonSet", "node-local-dns"))
    ]
    pods = [
        made("coredns-549f5c77b4-l9nxj", "ReplicaSet", "coredns-549f5c77b4"),
        made("node-local-dns-r2c8b", "DaemonSet", "node-local-dns"),
        made("kube-proxy-b5wxk", "DaemonSet", "kube-proxy"),
        pod("etcd-cp1"),
    ]
    left = [p["metadata"]["name"] for p in without_pods_of(workloads, pods)]
    assert left == ["kube-proxy-b5wxk", "etcd-cp1"]


def test_a_node_tells_its_own_reason() -> None:
    nodes = [node("w1", "False", "container runtime network not ready: cni config uninitialized")]
    found = pending_nodes(parsed(nodes), ["w1", "w2"])
    assert str(found[0]) == (
        "node w1: container runtime network not ready: cni config uninitialized"
    )
    assert str(found[1]) == "node w2: it has not joined"


@pytest.mark.parametrize(
    ("status", "reason", "log"),
    [
        (
            {"containerStatuses": [waiting("ImagePullBackOff", "Back-off pulling image x")]},
            "ImagePullBackOff: Back-off pulling image x",
            "",
        ),
        (
            {"containerStatuses": [waiting("CrashLoopBackOff", "back-off", {"exitCode": 2})]},
            "CrashLoopBackOff: back-off: (it exited with code 2)",
            "main",
        ),
        (
            {
                "containerStatuses": [
                    waiting("CrashLoopBackOff", "back-off", {"exitCode": 128, "message": "no caps"})
                ]
            },
            "CrashLoopBackOff: no caps: (it exited with code 128)",
            "main",
        ),
        (
            {"initContainerStatuses": [waiting("ErrImagePull", "no such host")]},
            "ErrImagePull: no such host",
            "",
        ),
        (
            {"phase": "Pending", "containerStatuses": [waiting("ContainerCreating")]},
            "its containers are being created",
            "",
        ),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes are available",
                    }
                ],
            },
            "Unschedulable: 0/1 nodes are available",
            "",
        ),
        ({}, "it is running, but not ready yet", ""),
        (
            {
                "containerStatuses": [
                    {"name": "main", "state": {"terminated": {"reason": "Error", "exitCode": 1}}}
                ]
            },
            "Error: (code 1)",
            "main",
        ),
    ],
)
def test_a_pod_tells_its_own_reason(status: dict[str, Any], reason: str, log: str) -> None:
    (found,) = pending_pods([pod("coredns", **status)])
    assert found.what == "pod kube-system/coredns"
    assert found.why == reason
    assert found.container == log


def test_a_static_pod_that_has_run_for_a_while_is_not_waited_for() -> None:
    now = datetime(2026, 11, 21, 6, 0, 30, tzinfo=UTC).timestamp()
    assert pending_pods([static("2026-11-21T06:00:10Z")], now) == []
    assert len(pending_pods([static("2026-11-21T06:00:20Z")], now)) == 1
    assert len(pending_pods([static("", waiting={"reason": "CrashLoopBackOff"})], now)) == 1
    assert len(pending_pods([pod("coredns")], now)) == 1


def test_ready_waits_until_it_is_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "_PAUSE", 0)
    answers = [
        Output(1, "", "connection refused"),
        answering([node("cp1", "False", "starting")], []),
        answering([node("cp1"), node("w1")], [pod("etcd")]),
        answering([node("cp1"), node("w1")], [pod("etcd", "True")]),
    ]

    def answer(_host: str, command: str) -> Output:
        return answers.pop(0) if "get nodes" in command else Output(0, "", "")

    run, session, memory = played_run(cluster(workers=1), answer=answer)
    session.connect()
    ready.run(run)
    assert answers == []
    assert memory.waits == [
        "the API server: connection refused",
        "node cp1: starting, and 1 more",
        "pod kube-system/etcd: it is running, but not ready yet",
    ]


def test_ready_gives_up_with_each_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "_SECONDS", -1.0)
    answer = answering([node("cp1")], [pod("etcd", containerStatuses=[waiting("ErrImagePull")])])
    run, session, _ = played_run(cluster(workers=1), answer=lambda *_: answer)
    session.connect()
    with pytest.raises(KubeinstallError) as error:
        ready.run(run)
    assert error.value.exit_code == Kind.CLUSTER
    assert [(f.where, f.why) for f in error.value.findings] == [
        ("w1", "it has not joined"),
        ("w1", "ErrImagePull"),
    ]
    assert "journalctl -u kubelet" in error.value.findings[0].next
    assert "describe pod etcd" in error.value.findings[1].next


@pytest.mark.parametrize("gone", STATIC)
def test_ready_waits_for_each_of_the_control_planes_pods(
    monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """One whose manifest is missing is no pod that is not Ready: there is none at all."""
    monkeypatch.setattr(ready, "_SECONDS", -1.0)
    left = tuple(name for name in STATIC if name != gone)
    answer = answering([node("cp1")], [], left)
    run, session, _ = played_run(cluster(workers=0), answer=lambda *_: answer)
    session.connect()
    with pytest.raises(KubeinstallError) as error:
        ready.run(run)
    (finding,) = error.value.findings
    assert f"pod kube-system/{gone}-cp1" in finding.what
    assert "/etc/kubernetes/manifests" in finding.why


def test_ready_does_not_wait_for_a_host_that_is_out() -> None:
    answer = answering([node("cp1"), node("w1", "Unknown")], [pod("kube-proxy-w1")])
    run, session, memory = played_run(
        cluster(workers=1), answer=lambda *_: answer, unreachable=["w1"]
    )
    session.connect()
    ready.run(run)
    assert memory.waits == []


def test_ready_does_not_wait_for_pods_of_a_node_outside_the_limit() -> None:
    nodes = [node("cp1"), node("w1"), node("w2", "Unknown")]
    answer = answering(nodes, [of_node("proxy-a", "w2", "False"), of_node("proxy-b", "w1")])
    run, session, memory = played_run(cluster(), answer=lambda *_: answer)
    session.connect()
    run.limit = frozenset({"w1"})
    ready.run(run)
    assert memory.waits == []
    assert memory.notes == [
        "node w2 is not Ready and not part of this run; number of its pods that are ignored: 1"
    ]


def test_ready_does_not_wait_for_a_node_that_the_inventory_has_no_host_for() -> None:
    nodes = [node("cp1"), node("w1"), node("old", "Unknown")]
    answer = answering(nodes, [of_node("proxy", "old", "False")])
    run, session, memory = played_run(cluster(workers=1), answer=lambda *_: answer)
    session.connect()
    ready.run(run)
    assert memory.waits == []
    assert "node old is not Ready" in memory.notes[0]


def test_ready_does_not_wait_for_pods_of_a_host_that_is_out_though_its_node_is_ready() -> None:
    """One that was switched off is Ready for another 40 seconds."""
    answer = answering([node("cp1"), node("w1")], [of_node("proxy", "w1", "False")])
    run, session, memory = played_run(
        cluster(workers=1), answer=lambda *_: answer, unreachable=["w1"]
    )
    session.connect()
    ready.run(run)
    assert memory.waits == []


def test_ready_waits_for_pods_of_a_node_outside_the_limit_that_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ready, "_SECONDS", -1.0)
    answer = answering([node("cp1"), node("w1"), node("w2")], [of_node("proxy", "w2", "False")])
    run, session, _ = played_run(cluster(), answer=lambda *_: answer)
    session.connect()
    run.limit = frozenset({"w1"})
    with pytest.raises(KubeinstallError):
        ready.run(run)


DNS = {"k8s_app": "kube-dns"}


@pytest.mark.parametrize(
    ("where", "unready", "deleted"),
    [
        (("w2", "w2"), {"w2"}, True),
        (("w1", "w2"), {"w2"}, False),  # one answers
        (("w2", "w2"), set(), False),
        (("w2", "w2"), {"cp1", "w1", "w2"}, False),  # there is nowhere to go
        (("w2", ""), {"w2"}, False),  # one is on its way already
    ],
)
def test_coredns_leaves_a_node_that_is_off(
    monkeypatch: pytest.MonkeyPatch, where: tuple[str, str], unready: set[str], deleted: bool
) -> None:
    monkeypatch.setattr(ready, "_PAUSE", 0)
    monkeypatch.setattr(ready, "_SECONDS", -1.0)
    nodes = [node(n, "Unknown" if n in unready else "True") for n in ("cp1", "w1", "w2")]
    pods = [of_node(f"coredns-{i}", name, "False", **DNS) for i, name in enumerate(where)]
    answer = answering(nodes, pods)
    run, session, _ = played_run(cluster(), answer=lambda *_: answer, unreachable=["w2"])
    session.connect()
    with contextlib.suppress(KubeinstallError):
        ready.run(run)
    calls = [
        command for _, command in session.asked if "delete pods coredns-0 coredns-1" in command
    ]
    assert bool(calls) is deleted
    assert run.changed is deleted


def test_coredns_pods_that_leave_are_not_deleted_again() -> None:
    gone = of_node("coredns-0", "w2", "False", **DNS)
    gone["metadata"]["deletionTimestamp"] = "2026-11-21T06:00:10Z"
    assert lost_dns([gone], frozenset({"w2"}), parsed([node("cp1")])) == ([], [])


def test_a_network_that_users_bring_is_not_waited_for() -> None:
    lacking = node("cp1", "False", "network plugin is not ready: cni config uninitialized")
    proxy = pod("kube-proxy", "True")
    proxy["spec"]["hostNetwork"] = True
    answer = answering([lacking], [proxy, pod("coredns", phase="Pending")])
    own = cluster(workers=0, network={"plugin": "none"})
    run, session, memory = played_run(own, answer=lambda *_: answer)
    session.connect()
    ready.run(run)
    assert memory.waits == []


@pytest.mark.parametrize("kind", ["DiskPressure", "MemoryPressure", "PIDPressure"])
def test_a_node_under_pressure_fails_the_run_without_ending_it(kind: str) -> None:
    answer = answering([node("cp1"), pressed("w1", kind)], [])
    run, session, _ = played_run(cluster(workers=1), answer=lambda *_: answer)
    session.connect()
    ready.run(run)
    assert run.exit_code == Kind.CLUSTER
    assert [(f.where, f.what) for f in run.errors] == [("w1", "node w1 does not accept new pods")]
    assert kind in run.errors[0].why


def test_pressure_that_is_over_is_none() -> None:
    calm = node("w1")
    calm["status"]["conditions"].append({"type": "DiskPressure", "status": "False"})
    lost = node("w3", "Unknown")
    lost["status"]["conditions"].append({"type": "DiskPressure", "status": "Unknown"})
    assert pressed_nodes(parsed([calm, node("w2"), lost])) == []


def test_what_the_registry_said_is_remembered_while_the_kubelet_backs_off() -> None:
    memory = Memory()
    failed = Pending("Pod", "b", "ErrImagePull", "manifest unknown", "a", final=True)
    waits = Pending("Pod", "b", "ImagePullBackOff", "Back-off pulling image", "a")
    assert memory.recall([waits]) == [waits]
    assert memory.recall([failed]) == [failed]
    other = replace(waits, namespace="b")
    assert memory.recall([waits, other]) == [failed, other]


def test_a_failed_pull_is_told_without_the_runtimes_wrapping() -> None:
    said = "rpc error: code = Unknown desc = Error response from daemon: connection refused"
    waiting = {"reason": "ErrImagePull", "message": said}
    status: dict[str, Any] = {"containerStatuses": [{"name": "web", "state": {"waiting": waiting}}]}
    (found,) = pending_pods([pod("web", **status)])
    assert found.why == "ErrImagePull: connection refused"


def test_an_image_that_its_registry_does_not_have_is_not_waited_for() -> None:
    wait = waiting("ErrImagePull", "manifest for x:1 not found: manifest unknown")
    answer = answering([node("cp1")], [pod("etcd", containerStatuses=[wait])])
    run, session, memory = played_run(cluster(workers=0), answer=lambda *_: answer)
    session.connect()
    with pytest.raises(KubeinstallError) as error:
        ready.run(run)
    (finding,) = error.value.findings
    assert finding.what.endswith("is not ready")
    assert "manifest unknown" in finding.why
    assert memory.waits == []


def test_a_host_without_a_cluster_says_so() -> None:
    """By its own shell: kubectl would only say that it has no configuration."""

    def answer(_host: str, command: str) -> Output:
        ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
        return Output(ran.returncode, ran.stdout, ran.stderr)

    run, session, _ = played_run(cluster(), answer=answer)
    session.connect()
    run.smoke = True
    with pytest.raises(KubeinstallError) as error:
        smoke.run(run)
    assert error.value.findings[0].what == "there is no cluster yet"
