"""What a kubelet is told: the cluster's configuration with the host's own settings laid on it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from kubeinstall.deploys.kubernetes.nodes import Kubelets
from kubeinstall.diagnose.causes import find_cause
from kubeinstall.facts.files import Exists, File, FileState
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.files import kubelet as files
from kubeinstall.inventory.model import Cluster, Kubelet, RuntimeName
from kubeinstall.operations import kubelet
from tests.unit.clusters import cluster
from tests.unit.operating import commands, texts

pytestmark = pytest.mark.unit

LOGS = {"containerLogMaxFiles": 5, "containerLogMaxSize": "10Mi"}
OURS = {
    "cgroupDriver": "systemd",
    "clusterDNS": ["10.96.0.10"],
    "resolvConf": "/etc/resolv.conf",
    **LOGS,
}
BASE = {"kind": "KubeletConfiguration", **OURS}
DOCKER_FLAGS = {"network-plugin": "cni", "node-ip": "10.0.0.11", "pod-infra-container-image": "p:1"}
CONTAINERD = "/run/containerd/containerd.sock"
RUNS = UnitState("loaded", "active", "enabled", started=2.0, configured=1.0)


def with_kubelets(*each: Kubelet, version: str = "1.36.2", **spec: Any) -> Cluster:
    made = cluster(workers=len(each) - 1, version=version, **spec)
    hosts = [h.model_copy(update={"kubelet": k}) for h, k in zip(made.hosts, each, strict=True)]
    return Cluster(spec=made.spec, hosts=tuple(hosts))


def test_settings_with_a_name_are_fields() -> None:
    settings = Kubelet(
        max_pods=50,
        allowed_unsafe_sysctls=["net.core.somaxconn"],
        kube_reserved={"cpu": "1", "memory": "500Mi"},
        cpu_manager_policy="static",
        config={"serializeImagePulls": False},
    )
    assert settings.fields == {
        "serializeImagePulls": False,
        "allowedUnsafeSysctls": ["net.core.somaxconn"],
        "kubeReserved": {"cpu": "1", "memory": "500Mi"},
        "maxPods": 50,
        "cpuManagerPolicy": "static",
    }
    assert Kubelet().fields == {}


def test_the_cluster_has_what_all_hosts_share() -> None:
    all_have = Kubelet(config={"failCgroupV1": False})
    own = Kubelet(config={"failCgroupV1": False}, max_pods=50)
    made = with_kubelets(all_have, own, all_have)
    assert files.cluster_settings(made) == {
        "cgroupDriver": "systemd",
        "clusterDNS": ["10.96.0.10"],
        "resolvConf": "/etc/resolv.conf",
        "failCgroupV1": False,
        **LOGS,
    }
    w1 = made.host("w1")
    text = files.patch(made, w1)
    assert text
    assert yaml.safe_load(text) == {"failCgroupV1": False, "maxPods": 50}
    assert files.patch(with_kubelets(own, version="1.24.17"), w1) is None
    assert files.patch(with_kubelets(Kubelet()), cluster().first) is None


def config_map(ours: str = "", **fields: Any) -> files.SharedConfig:
    return files.SharedConfig("kubelet-config", yaml.safe_dump({**BASE, **fields}), ours)


def test_what_is_taken_out_for_all_goes_from_the_cluster() -> None:
    made = with_kubelets(Kubelet(), Kubelet())
    ours = json.dumps(OURS)
    settled = Kubelets.of(made, config_map(ours))
    assert settled == Kubelets("kubelet-config", BASE)
    last = ours.replace("}", ', "maxPods": 50}')
    changed = Kubelets.of(made, config_map(last, maxPods=50))
    assert changed
    assert changed.config == BASE
    assert "-maxPods: 50" in changed.diff
    assert changed.configmap == "kubelet-config"
    # Before there was a note, what is there may be the user's.
    kept = Kubelets.of(made, config_map(maxPods=50))
    assert kept
    assert kept.config == {**BASE, "maxPods": 50}
    assert Kubelets.of(made, None) is None
    assert Kubelets.of(made, files.SharedConfig("kubelet-config", "7")) is None


def test_a_nodes_configuration() -> None:
    host = with_kubelets(Kubelet(max_pods=50, config={"featureGates": {"A": True}})).first
    base = {**BASE, "featureGates": {"B": False}}
    wanted = {**BASE, "maxPods": 50, "featureGates": {"A": True, "B": False}}
    assert files.configuration(base, host, None) == wanted
    url = "unix:///run/containerd/containerd.sock"
    assert files.configuration(base, host, url) == {**wanted, "containerRuntimeEndpoint": url}
    assert files.configuration(BASE, cluster().first, None) == BASE


def test_flags_are_read_and_written() -> None:
    text = 'KUBELET_KUBEADM_ARGS="--network-plugin=cni --node-ip=10.0.0.11"\n'
    assert files.flags(text) == {"network-plugin": "cni", "node-ip": "10.0.0.11"}
    assert files.flags_text(files.flags(text)) == text
    assert files.flags("junk") == {}


def test_the_socket_that_a_kubelet_uses() -> None:
    flag = {"container-runtime-endpoint": CONTAINERD}
    assert files.socket_of({}, {}) == files.DOCKERSHIM
    assert files.socket_of(flag, {}) == CONTAINERD
    instance = {"containerRuntimeEndpoint": "unix:///run/cri-dockerd.sock"}
    assert files.socket_of({}, instance) == "unix:///run/cri-dockerd.sock"


def flags(found: dict[str, str], socket: str, version: str, **settings: Any) -> dict[str, str]:
    made = with_kubelets(Kubelet(), Kubelet(**settings), version=version)
    return files.wanted_flags(made, made.host("w1"), found, socket, in_config=False)


def test_flags_that_are_not_kubeadms_are_the_inventorys() -> None:
    dockershim = "/var/run/dockershim.sock"
    assert flags(DOCKER_FLAGS, dockershim, "1.20.2") == DOCKER_FLAGS
    more = flags(DOCKER_FLAGS, dockershim, "1.20.2", extra_args={"v": 3, "fail-swap-on": False})
    assert more == {**DOCKER_FLAGS, "v": "3", "fail-swap-on": "false"}
    assert flags(more, dockershim, "1.20.2") == DOCKER_FLAGS


@pytest.mark.parametrize(
    ("version", "socket", "runtime"),
    [
        (
            "1.20.2",
            CONTAINERD,
            {"container-runtime": "remote", "container-runtime-endpoint": CONTAINERD},
        ),
        (
            "1.30.0",
            f"unix://{CONTAINERD}",
            {"container-runtime-endpoint": f"unix://{CONTAINERD}"},
        ),
    ],
)
def test_flags_of_another_runtime(version: str, socket: str, runtime: dict[str, str]) -> None:
    before = {**DOCKER_FLAGS}
    if version != "1.20.2":
        del before["network-plugin"]
        before["container-runtime-endpoint"] = "unix:///run/cri-dockerd.sock"
    rest = {"node-ip": "10.0.0.11", "pod-infra-container-image": "p:1"}
    moved = flags(before, socket, version)
    assert moved == {**rest, **runtime}
    back = "/var/run/dockershim.sock" if version == "1.20.2" else "unix:///run/cri-dockerd.sock"
    assert flags(moved, back, version) == before


@pytest.mark.parametrize(
    ("socket", "runtime"),
    [
        ("/var/run/dockershim.sock", RuntimeName.DOCKER),
        ("unix:///run/cri-dockerd.sock", RuntimeName.DOCKER),
        ("unix:///run/containerd/containerd.sock", RuntimeName.CONTAINERD),
        ("unix:///var/run/crio/crio.sock", None),
        ("", None),
    ],
)
def test_the_runtime_of_a_socket(socket: str, runtime: RuntimeName | None) -> None:
    assert files.runtime_of(socket) is runtime


@pytest.mark.parametrize(
    ("text", "unit", "forget", "states", "steps"),
    [
        ("a", RUNS, False, True, []),
        ("b", RUNS, False, True, ["write", "restart"]),
        # A run was killed before it could restart it, or the kubelet did not take the settings.
        ("a", UnitState("loaded", "active", "enabled", False, 1.0, 2.0), False, True, ["restart"]),
        ("a", UnitState("loaded", "activating", "enabled"), False, True, ["restart"]),
        ("b", RUNS, True, True, ["forget", "write", "restart"]),
        ("b", RUNS, True, False, ["write", "restart"]),
    ],
)
def test_what_a_kubelet_is_restarted_for(
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    unit: UnitState,
    forget: bool,
    states: bool,
    steps: list[str],
) -> None:
    found = {File: FileState("644", b"a"), Unit: unit, Exists: states}
    files_ = {"/var/lib/kubelet/config.yaml": text}
    given = {"files": files_, "node": "w1", "what": ["maxPods=5"]}
    operation = kubelet.another_policy if forget else kubelet.configured
    lines = texts(commands(monkeypatch, operation, found, **given))
    words = {"forget": "rm -f", "write": "mktemp", "restart": "systemctl restart kubelet"}
    assert len(lines) == len(steps)
    assert all(words[step] in line for step, line in zip(steps, lines, strict=True))


def test_a_kubelet_that_does_not_come_back_is_explained() -> None:
    said = (
        "the kubelet of w1 does not come back with featureGates={'NoSuchGate': True}\n"
        "F1121 09:44:00.1 server.go:194] failed to set feature gates: unrecognized feature gate: "
        "NoSuchGate\n"
    )
    found = find_cause(said)
    assert found
    assert "with featureGates={'NoSuchGate': True}: " in found.why
    assert "unrecognized feature gate: NoSuchGate" in found.why
    assert "inventory" in found.next
