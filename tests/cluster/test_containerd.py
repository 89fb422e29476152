"""One control plane and one worker with containerd: killed in every phase, reached in every way.

The tests run in order on one cluster; each says what it needs from those before it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.inventory.model import LAB_FOLDER
from kubeinstall.run.phases import PHASES
from tests.cluster import shop
from tests.killing import chance, kill_within
from tests.labs import fresh
from tests.running import INVENTORIES, REPO, Ran, events, kubeinstall, on_host
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

LAB = INVENTORIES / "lab-containerd.yaml"
STATE = LAB_FOLDER / "lab-containerd"
HOSTS = ("cp1", "w1")


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    with fresh(LAB):
        yield


def test_killed_in_each_phase_it_converges(tmp_path: Path) -> None:
    """A run killed anywhere leaves nothing that the next run cannot finish."""
    shop.write(tmp_path)
    with_addons = shop.Shop(LAB, tmp_path).inventory(shop={}, base={})
    moments = chance()
    up = ["up", "-y", "--smoke", "-i", str(with_addons)]
    for phase in PHASES:
        kill_within(phase.name, up, tmp_path / "killed.txt", moments)
    kubeinstall("up", "-y", "-i", with_addons).ok()
    log = tmp_path / "events.jsonl"
    kubeinstall("up", "-y", "-i", with_addons, "--events", log).ok()
    assert [event for event in events(log) if event.get("changed")] == []
    # What comes next is about the inventory without addons.
    kubeinstall("up", "-y", "--only", "addons", "-i", LAB).ok()


CRUN = """
apiVersion: v1
kind: Pod
metadata: { name: light }
spec:
  runtimeClassName: crun
  terminationGracePeriodSeconds: 0
  containers:
    - name: app
      image: 10.98.0.2:5000/demo/busybox:1
      command: [sleep, "3600"]
"""


def test_a_pod_runs_in_its_runtime_class(tmp_path: Path) -> None:
    """crun has the pod; taken out of the inventory, nothing can ask for it any more."""
    kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
    wait = f"{kubectl} wait --for=condition=Ready pod/light --timeout=90s"
    on_host(LAB, "cp1", f"echo '{CRUN}' | {kubectl} apply -f - && {wait}")
    by_crun = on_host(LAB, "w1", "crun --root /run/containerd/runc/k8s.io list -q").split()
    assert len(by_crun) == 2, "the pod's sandbox and its container, and nobody else's"
    on_host(LAB, "cp1", f"{kubectl} delete pod light")
    document = yaml.safe_load(LAB.read_text())
    del document["cluster"]["runtime"]["classes"]
    without = tmp_path / "without.yaml"
    without.write_text(yaml.safe_dump(document))
    log = tmp_path / "events.jsonl"
    kubeinstall("up", "-y", "-i", without, "--events", log).ok()
    changed = {(e["host"], e["operation"]) for e in events(log) if e.get("changed")}
    assert ("cp1", "Apply the runtime classes") in changed
    assert on_host(LAB, "cp1", f"{kubectl} get runtimeclasses -o name").split() == []
    kubeinstall("up", "-y", "-i", LAB).ok()


@pytest.mark.parametrize("plugin", ["flannel", "none"])
def test_another_pod_network_is_refused(tmp_path: Path, plugin: str) -> None:
    """Before anything is changed, with the reason and the safe way."""
    document = yaml.safe_load(LAB.read_text())
    document["cluster"]["network"] = {"plugin": plugin}
    document["cluster"]["sysctls"] = {"vm.max_map_count": 262145}
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(document))
    log = tmp_path / "events.jsonl"
    result = kubeinstall("up", "-y", "-i", other, "--events", log)
    assert result.code == 12
    assert f"the cluster's pod network is bridge, but the inventory says {plugin}" in result.text
    assert "kubeinstall reset" in result.text
    assert [event for event in events(log) if event.get("changed")] == []


def variant(tmp_path: Path, **ssh: Any) -> Path:
    """The same inventory with other ssh settings."""
    document = yaml.safe_load(LAB.read_text())
    document["defaults"]["ssh"].update(ssh)
    path = tmp_path / "variant.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    "ssh",
    [
        pytest.param({"user": "root"}, id="root"),
        pytest.param({"user": "deploy"}, id="sudo"),
        pytest.param(
            {"user": "ops", "sudo_password": {"file": f"{STATE}/password"}}, id="sudo-password"
        ),
        pytest.param(
            {"bastion": "deploy@10.98.0.3", "bastion_key": f"{STATE}/id_ed25519"}, id="bastion"
        ),
    ],
)
def test_reached_in_every_way(tmp_path: Path, ssh: dict[str, Any]) -> None:
    """What was changed by hand on every host is put right, however the host is reached."""
    for host in HOSTS:
        on_host(LAB, host, "rm /etc/modules-load.d/*kubeinstall*")
    inventory = variant(tmp_path, **ssh)
    assert kubeinstall("plan", "-i", inventory).code == 2
    log = tmp_path / "events.jsonl"
    kubeinstall("up", "-y", "-i", inventory, "--events", log).ok()
    assert {event["host"] for event in events(log) if event.get("changed")} == set(HOSTS)
    assert kubeinstall("plan", "-i", inventory).code == 0


def test_a_wrong_sudo_password_is_told(tmp_path: Path) -> None:
    ran = kubeinstall("up", "-y", "-i", variant(tmp_path, user="ops", sudo_password="no-such"))
    assert ran.code == 11
    assert "sudo" in ran.text
    assert "no-such" not in ran.text
    assert "Traceback" not in ran.text


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    """The second is told who holds the lock; when the owner is gone the lock is too."""
    on_host(LAB, "w1", "rm /etc/modules-load.d/*kubeinstall*")
    first = subprocess.Popen(
        [sys.executable, "-m", "kubeinstall", "up", "-y", "--smoke", "-i", str(LAB)],
        stdout=(tmp_path / "first").open("w"),
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        cwd=REPO,
    )
    try:
        until(lambda: "phase hosts" in (tmp_path / "first").read_text(), 60)
        second = kubeinstall("up", "-y", "-i", LAB)
        assert second.code == 16, second.text
        assert str(first.pid) in second.text
    finally:
        first.kill()
        first.wait()
    again: list[Ran] = []

    def free() -> bool:
        again.append(kubeinstall("up", "-y", "-i", LAB))
        return again[-1].code != 16

    until(free, 60)
    again[-1].ok()


def test_a_missing_image_is_named_with_the_registrys_answer(tmp_path: Path) -> None:
    """The last test: it takes the cluster down, as nodes need no images pulled."""
    kubeinstall("reset", "-y", "-i", LAB).ok()
    for repository, words in (
        ("10.98.0.2:5000/nowhere", "has no image 10.98.0.2:5000/nowhere/kube-proxy:v1.20.2: 404"),
        ("10.98.0.2:5999", "the registry 10.98.0.2:5999 cannot be reached"),
    ):
        document = yaml.safe_load(LAB.read_text())
        document["cluster"]["image_repository"] = repository
        path = tmp_path / "variant.yaml"
        path.write_text(yaml.safe_dump(document))
        # reset has removed the configuration of the runtime, which knows the registry.
        phases = ("--from", "runtime", "--until", "images")
        ran = kubeinstall("up", "-y", "-i", path, *phases)
        assert ran.code == 13, ran.text
        assert words in ran.text
        assert "Traceback" not in ran.text
