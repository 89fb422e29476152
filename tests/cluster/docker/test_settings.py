"""Settings of nodes, control plane and runtime that change on a cluster that is up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.docker.lab import HOSTS, KUBECTL, LAB, written
from tests.running import INVENTORIES, REPO, kubeinstall, on_host

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", autouse=True)
def up() -> None:
    """The cluster, if this file is run on its own."""
    kubeinstall("up", "-y", "--no-smoke", "-i", LAB).ok()


def changed(tmp_path: Path, **w1: Any) -> Path:
    """The inventory with more settings for w1."""
    document = yaml.safe_load(LAB.read_text())
    document["groups"]["workers"]["hosts"]["w1"].update(w1)
    return written(document, tmp_path)


def kubelets_started() -> dict[str, str]:
    """When each host's kubelet was started."""
    show = "systemctl show -p ExecMainStartTimestampMonotonic --value kubelet"
    return {host: on_host(LAB, host, show) for host in HOSTS}


def of_w1(path: str) -> str:
    return on_host(LAB, "cp1", f"{KUBECTL} get node w1 -o jsonpath='{path}'").strip()


def test_settings_of_one_node_come_and_go(tmp_path: Path) -> None:
    """Only w1's kubelet is restarted; what is taken out goes, others' labels stay."""
    on_host(LAB, "cp1", f"{KUBECTL} label node w1 theirs=1")
    before = kubelets_started()
    more = changed(
        tmp_path,
        labels={"disk": "ssd"},
        taints=[{"key": "app", "value": "db", "effect": "PreferNoSchedule"}],
        kubelet={"max_pods": 50, "allowed_unsafe_sysctls": ["net.core.somaxconn"]},
    )
    plan = kubeinstall("plan", "-i", more)
    assert plan.code == 2, plan.text
    assert "~ maxPods=50" in plan.text
    assert "+label disk=ssd" in plan.text
    kubeinstall("up", "-y", "-i", more, "--until", "kubelets").ok()
    after = kubelets_started()
    assert {host for host in HOSTS if after[host] != before[host]} == {"w1"}
    assert of_w1("{.status.allocatable.pods}") == "50"
    assert of_w1("{.metadata.labels.disk}{.spec.taints[*].key}") == "ssdapp"
    assert kubeinstall("plan", "-i", more).code == 0
    image = yaml.safe_load(LAB.read_text())["cluster"]["smoke"]["image"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "sysctl"},
        "spec": {
            "nodeName": "w1",
            "securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "999"}]},
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "command": ["sleep", "99"],
                }
            ],
        },
    }
    run = f"echo '{json.dumps(pod)}' | {KUBECTL} apply -f -"
    on_host(LAB, "cp1", f"{run} && {KUBECTL} wait --for=condition=Ready --timeout=90s pod/sysctl")
    on_host(LAB, "cp1", f"{KUBECTL} delete pod sysctl --grace-period=0 --force")
    kubeinstall("up", "-y", "-i", LAB).ok()
    assert of_w1("{.status.allocatable.pods}") == "110"
    assert of_w1("{.metadata.labels.disk}{.spec.taints[*].key}") == ""
    assert of_w1("{.metadata.labels.theirs}") == "1"
    assert kubeinstall("plan", "-i", LAB).code == 0


def test_a_setting_that_kills_the_kubelet_stops_the_rolling(tmp_path: Path) -> None:
    before = kubelets_started()
    document = yaml.safe_load(LAB.read_text())
    gates = {"featureGates": {"NoSuchGate": True}}
    document["groups"]["workers"]["kubelet"] = {"config": gates}
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(document))
    ran = kubeinstall("up", "-y", "-i", path, "--until", "kubelets")
    assert ran.code == 13, ran.text
    assert "Traceback" not in ran.text
    told = " ".join(ran.text.split())
    assert "the kubelet does not start with featureGates={'NoSuchGate': True}" in told
    assert "unrecognized feature gate: NoSuchGate" in told
    assert "stopped here: the kubelets of w2 are unchanged" in told
    after = kubelets_started()
    assert {host for host in HOSTS if after[host] != before[host]} == {"w1"}
    kubeinstall("up", "-y", "-i", LAB).ok()
    assert kubeinstall("plan", "-i", LAB).code == 0


def test_a_kubelet_configuration_edited_by_hand_is_repaired() -> None:
    on_host(
        LAB, "w1", "sed -i 's/^syncFrequency: .*/syncFrequency: 17s/' /var/lib/kubelet/config.yaml"
    )
    plan = kubeinstall("plan", "-i", LAB)
    assert plan.code == 2
    assert "w1: would change: Configure the kubelet" in plan.text
    assert "~ syncFrequency=0s" in plan.text
    kubeinstall("up", "-y", "-i", LAB).ok()
    assert kubeinstall("plan", "-i", LAB).code == 0


def test_arguments_of_the_control_plane_come_and_go(tmp_path: Path) -> None:
    """Pods are recreated one at a time, each until it is ready; kubeadm-config is updated."""
    document = yaml.safe_load(LAB.read_text())
    document["cluster"]["kubeadm"] |= {
        "api_server_args": {"audit-log-maxage": 7},
        "scheduler_args": {"v": 3},
    }
    path = tmp_path / "arguments.yaml"
    path.write_text(yaml.safe_dump(document))
    noted = f"{KUBECTL} -n kube-system get configmap kubeadm-config -o yaml"
    manifests = "cat /etc/kubernetes/manifests/*.yaml"
    kubelets = kubelets_started()
    for inventory, there in ((path, True), (LAB, False)):
        plan = kubeinstall("plan", "-i", inventory)
        assert plan.code == 2, plan.text
        assert "Apply the arguments of kube-scheduler and kube-apiserver" in plan.text
        assert f"{'+' if there else '-'}--audit-log-maxage=7" in plan.text
        kubeinstall("up", "-y", "-i", inventory, "--only", "control-plane").ok()
        assert ("--audit-log-maxage=7" in on_host(LAB, "cp1", manifests)) is there
        assert ("audit-log-maxage" in on_host(LAB, "cp1", noted)) is there
        assert kubeinstall("plan", "-i", inventory).code == 0
    assert kubelets_started() == kubelets
    on_host(
        LAB, "cp1", f"{KUBECTL} -n kube-system wait --for=condition=Ready pod --all --timeout=110s"
    )


def runtimes() -> dict[str, str]:
    """Node name to its runtime, with a ``!`` where it is cordoned."""
    answer = json.loads(on_host(LAB, "cp1", f"{KUBECTL} get nodes -o json"))
    found = {}
    for node in answer["items"]:
        runtime = node["status"]["nodeInfo"]["containerRuntimeVersion"].partition(":")[0]
        cordoned = "!" if node["spec"].get("unschedulable") else ""
        found[node["metadata"]["name"]] = f"{runtime}{cordoned}"
    return found


def test_moved_to_containerd_and_back(tmp_path: Path) -> None:
    """A worker first, killed half way; then the control plane too, whose data stay; then back."""
    containerd = yaml.safe_load((INVENTORIES / "lab-containerd.yaml").read_text())["cluster"]
    document = yaml.safe_load(LAB.read_text())
    document["cluster"]["runtime"] = {
        "name": "containerd",
        "registries": document["cluster"]["runtime"]["registries"],
        "config": containerd["runtime"]["config"],
    }
    document["cluster"]["kubeadm"]["skip_phases"] = containerd["kubeadm"]["skip_phases"]
    path = tmp_path / "containerd.yaml"
    path.write_text(yaml.safe_dump(document))
    on_host(LAB, "cp1", f"{KUBECTL} create configmap kept --from-literal=a=1")
    plan = kubeinstall("plan", "-i", path)
    assert plan.code == 2
    assert "w1: would be drained, switched from docker to containerd" in plan.text
    up = [sys.executable, "-u", "-m", "kubeinstall", "up", "-y", "-i", str(path), "--limit", "w1"]
    log = tmp_path / "killed.txt"
    with log.open("w") as out:
        killed = subprocess.Popen(up, stdout=out, stderr=subprocess.STDOUT, cwd=REPO)
        deadline = time.monotonic() + 120
        while "Stop the kubelet" not in log.read_text() and killed.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        killed.kill()
        killed.wait()
    assert runtimes()["w1"] == "docker!"
    kubeinstall("up", "-y", "-i", path, "--limit", "w1").ok()
    assert runtimes() == {"cp1": "docker", "w1": "containerd", "w2": "docker"}
    kubeinstall("up", "-y", "-i", path).ok()
    assert runtimes() == dict.fromkeys(HOSTS, "containerd")
    assert kubeinstall("plan", "-i", path).code == 0
    assert on_host(LAB, "cp1", "systemctl is-active docker || true").strip() == "inactive"
    kubeinstall("up", "-y", "-i", LAB).ok()
    assert runtimes() == dict.fromkeys(HOSTS, "docker")
    on_host(LAB, "cp1", f"{KUBECTL} delete configmap kept")
    assert kubeinstall("plan", "-i", LAB).code == 0
