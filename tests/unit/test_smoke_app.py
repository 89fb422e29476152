"""When the smoke app runs, and where."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.cluster.conditions import (
    schedulable,
)
from kubeinstall.cluster.node import parsed
from kubeinstall.engine.types import Output
from kubeinstall.findings import KubeinstallError
from kubeinstall.phases import smoke
from tests.unit.awaited import node, pressed
from tests.unit.clusters import cluster
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit


def test_the_smoke_app_stays_off_hosts_that_are_out_and_nodes_without_a_host() -> None:
    """One that was switched off is Ready for another 40 seconds."""
    nodes = [node("cp1"), node("w1"), node("w2"), node("old")]
    said: list[str] = []

    def answer(_host: str, command: str) -> Output:
        if "get nodes" in command:
            return Output(0, json.dumps({"items": nodes}), "")
        return Output(0 if "get namespace" in command else 1, "", "")

    def rendered(template: str, **values: Any) -> str:
        del template
        said.extend(values["nodes"])
        return ""

    run, session, _ = played_run(cluster(), answer=answer, unreachable=["w2"])
    session.connect()
    run.smoke = True
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KubeinstallError):
        patch.setattr(smoke, "render", rendered)
        smoke.run(run)
    assert said == ["cp1", "w1"]


def test_only_nodes_that_take_pods_get_the_smoke_app() -> None:
    nodes = [
        node("cp1", taints=[{"key": "x", "effect": "NoSchedule"}]),
        node("w1", taints=[{"key": "x", "effect": "PreferNoSchedule"}]),
        node("w2", unschedulable=True),
        node("w3", "False"),
        node("w4"),
    ]
    assert schedulable(parsed(nodes)) == ["w1", "w4"]


def test_with_one_worker_the_smoke_app_runs_on_the_control_plane_too() -> None:
    key = "node-role.kubernetes.io/control-plane"
    tainted = node("cp1", taints=[{"key": key, "effect": "NoSchedule"}])
    assert smoke.places(parsed([tainted, node("w1")]), [key]) == ["cp1", "w1"]
    two = parsed([tainted, node("w1"), node("w2")])
    assert smoke.places(two, [key]) == ["w1", "w2"]


def test_the_smoke_test_is_skipped_where_nothing_changed() -> None:
    run, session, memory = played_run(cluster())
    session.connect()
    smoke.run(run)
    assert len(session.asked) == 1
    assert "nothing was changed" in memory.notes[0]


def test_a_smoke_test_that_was_cut_off_is_run_again() -> None:
    def answer(_host: str, command: str) -> Output:
        if "get namespace" in command:
            return Output(0, "Active\n", "")
        return Output(0, json.dumps({"items": []}), "")

    run, session, memory = played_run(cluster(), answer=answer)
    session.connect()
    with pytest.raises(KubeinstallError):
        smoke.run(run)
    assert memory.notes == []
    assert "get nodes" in session.asked[-1][1]


def test_a_smoke_app_that_is_being_removed_was_not_cut_off() -> None:
    run, session, memory = played_run(cluster(), answer=lambda *_: Output(0, "Terminating\n", ""))
    session.connect()
    smoke.run(run)
    assert len(session.asked) == 1
    assert "nothing was changed" in memory.notes[0]


def test_a_smoke_test_that_cannot_run_is_no_pass() -> None:
    nodes = [
        pressed("w1", "DiskPressure", "the node has disk pressure"),
        node("w2", unschedulable=True),
        node("w3", "Unknown", "Kubelet stopped posting node status."),
        node("w4", taints=[{"key": "gpu", "effect": "NoSchedule"}]),
    ]
    answer = Output(0, json.dumps({"items": nodes}), "")
    run, session, _ = played_run(cluster(workers=4), answer=lambda *_: answer)
    session.connect()
    run.smoke = True
    with pytest.raises(KubeinstallError) as error:
        smoke.run(run)
    [finding] = error.value.findings
    assert finding.what == "smoke test: no node accepts pods"
    assert finding.why == (
        "w1: it reports DiskPressure: the node has disk pressure; w2: cordoned; "
        "w3: not Ready (Kubelet stopped posting node status.); w4: tainted with gpu:NoSchedule"
    )


def test_each_pod_of_the_smoke_app_asks_each_other_one(tmp_path: Path) -> None:
    """All at once, by one command on a control plane."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        "#!/bin/sh\n"
        "echo $4 >> $0.calls; n=0\n"
        "until [ $(wc -l < $0.calls) = 3 ]; do n=$((n + 1)); [ $n -lt 999 ] || exit; done\n"
        'wget() { [ "$4" != "http://10.244.2.2:8080/hostname" ] && echo web-x; }\n'
        'timeout() { shift 2; wget "$@"; }; sleep() { :; }\n'
        'shift 7; inside=$1; shift 2; eval "$inside"\n'
    )
    kubectl.chmod(0o755)
    pods = [smoke.Pod(f"web-{n}", f"w{n}", IPv4Address(f"10.244.{n}.2"), True) for n in (1, 2, 3)]

    def answer(_host: str, command: str) -> Output:
        text = re.sub(r"^kubectl=.*", f"kubectl={kubectl}", command, flags=re.MULTILINE)
        text = re.sub(r"^\[ -e .*", "", text, flags=re.MULTILINE)
        ran = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
        said.extend(ran.stdout.splitlines())
        return Output(0, ran.stdout, ran.stderr)

    said: list[str] = []
    run, session, _ = played_run(cluster(), answer=answer)
    session.connect()
    with pytest.raises(KubeinstallError, match=r"web-1 on w1 does not get an answer from .*2\.2:"):
        smoke._pod_to_pod(run, pods)
    assert sorted(said) == [
        f"web-{n} http://10.244.{m}.2:8080/hostname {'failed ' if m == 2 else 'ok'}"
        for n in (1, 2, 3)
        for m in (1, 2, 3)
        if n != m
    ]


def test_dns_is_tried_unless_coredns_is_skipped() -> None:
    assert cluster().spec.kubeadm.installs("coredns")
    without = cluster(kubeadm={"skip_phases": ["addon/coredns"]})
    assert not without.spec.kubeadm.installs("coredns")
    assert without.spec.kubeadm.installs("kube-proxy")


def test_the_smoke_app_is_removed_when_it_fails() -> None:
    def answer(_host: str, command: str) -> Output:
        if "get nodes" in command:
            return Output(0, json.dumps({"items": [node("w1")]}), "")
        return Output(0 if "get namespace" in command else 1, "", "the server is on fire")

    run, session, _ = played_run(cluster(), answer=answer)
    session.connect()
    run.smoke = True
    with pytest.raises(KubeinstallError) as error:
        smoke.run(run)
    assert "the server is on fire" in error.value.findings[0].why
    deletions = [command for _, command in session.asked if "get namespace" in command]
    assert len(deletions) == 2
