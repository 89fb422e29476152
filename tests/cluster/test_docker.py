"""One control plane and two workers with docker: the README's cluster, from nothing.

The tests run in order on one cluster; each says what it needs from those before it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import venv
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.labs import fresh
from tests.running import INVENTORIES, REPO, events, kubeinstall, on_host

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

LAB = INVENTORIES / "lab.yaml"
HOSTS = ("cp1", "w1", "w2")
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"

# What a run that changes nothing must leave as it was: files' times, and when services started.
FOOTPRINT = """
find /etc /opt/cni /var/lib/kubelet/config.yaml /usr/lib/systemd /root/.kube \
  -type f -not -path '/etc/mtab' -printf '%p %T@ %C@ %s %m\\n' 2>/dev/null | sort
systemctl show -p Id -p ActiveEnterTimestampMonotonic kubelet docker ssh kubeinstall-routes 2>&1
"""

# A worker that drops what it is not told to let through.
FIREWALL = """\
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    tcp dport 22 accept
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
  }
}
"""
SHUT = f"""
apt-get update -q >/dev/null
DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends nftables >/dev/null
cat > /etc/nftables.conf <<'END'
{FIREWALL}END
systemctl enable --now -q nftables
"""


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    with fresh(LAB):
        on_host(LAB, "w2", SHUT)
        yield


def nodes() -> dict[str, bool]:
    """Node name to whether it is Ready, as the API server says."""
    answer = on_host(LAB, "cp1", f"{KUBECTL} get nodes -o json")
    return {
        node["metadata"]["name"]: any(
            c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"]
        )
        for node in json.loads(answer)["items"]
    }


def changed_hosts(path: Path) -> set[str]:
    return {event["host"] for event in events(path) if event.get("changed")}


def test_up_makes_the_cluster(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    ran = kubeinstall("up", "-y", "-i", LAB, "--events", log).ok()
    assert nodes() == {"cp1": True, "w1": True, "w2": True}
    assert changed_hosts(log) == set(HOSTS)
    assert "[init]" in ran.text, "kubeadm's own output reaches the user"


def test_no_secret_is_told(tmp_path: Path) -> None:
    """Neither the screen nor the events hold a token or a key (see the run above, repeated)."""
    log = tmp_path / "events.jsonl"
    text = kubeinstall("up", "-y", "-i", LAB, "--events", log).ok().text + log.read_text()
    assert "PRIVATE KEY" not in text
    assert "client-key-data" not in text


def test_second_up_changes_nothing(tmp_path: Path) -> None:
    before = {host: on_host(LAB, host, FOOTPRINT) for host in HOSTS}
    log = tmp_path / "events.jsonl"
    kubeinstall("up", "-y", "-i", LAB, "--events", log).ok()
    assert changed_hosts(log) == set()
    for host in HOSTS:
        assert on_host(LAB, host, FOOTPRINT) == before[host]


def test_plan_finds_nothing_to_do() -> None:
    assert kubeinstall("plan", "-i", LAB).code == 0


def written(document: Any, tmp_path: Path) -> Path:
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_another_version_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    document = yaml.safe_load(LAB.read_text())
    document["cluster"]["kubernetes"] = "1.20.3"
    other = written(document, tmp_path)
    before = on_host(LAB, "w1", FOOTPRINT)
    for words in (("up", "-y", "--only", "packages", "--limit", "w1"), ("plan",)):
        ran = kubeinstall(*words, "-i", other)
        assert ran.code == 12
        assert "the cluster runs Kubernetes 1.20.2, but the inventory says 1.20.3" in ran.text
    assert on_host(LAB, "w1", FOOTPRINT) == before


def test_a_worker_that_left_the_inventory_keeps_what_it_needs(tmp_path: Path) -> None:
    document = yaml.safe_load(LAB.read_text())
    del document["groups"]["workers"]["hosts"]["w2"]
    fewer, log = written(document, tmp_path), tmp_path / "events.jsonl"
    ran = kubeinstall("up", "-y", "--until", "network", "-i", fewer, "--events", log).ok()
    assert "the cluster has a node w2 (Ready) that is not in the inventory" in ran.text
    assert changed_hosts(log) == set()
    assert "node w2 (Ready)" in kubeinstall("verify", "-i", fewer).ok().text


def test_a_firewall_that_is_loaded_anew_lets_the_cluster_through(tmp_path: Path) -> None:
    """It flushes the rules of kube-proxy, the routes' unit and the openings."""
    on_host(LAB, "w2", "systemctl reload nftables; sleep 2")
    assert "policy drop" in on_host(LAB, "w2", "nft list chain inet filter input")
    log = tmp_path / "events.jsonl"
    kubeinstall("up", "-y", "--smoke", "-i", LAB, "--events", log).ok()
    assert changed_hosts(log) == set()


def test_drift_is_planned_and_repaired() -> None:
    on_host(LAB, "w1", "sed -i 's/ip_forward *= *1/ip_forward = 0/' /etc/sysctl.d/*kubeinstall*")
    plan = kubeinstall("plan", "-i", LAB)
    assert plan.code == 2
    assert "ip_forward" in plan.text
    assert "w1" in plan.text
    kubeinstall("up", "-y", "-i", LAB).ok()
    assert kubeinstall("plan", "-i", LAB).code == 0


UPGRADE_BY_HAND = """
cd "$(mktemp -d)"
apt-get download -q kubectl >/dev/null 2>&1
dpkg-deb -R kubectl_*.deb kubectl
sed -i 's/^Version:.*/Version: 1.20.99-1.1/' kubectl/DEBIAN/control
dpkg-deb -b kubectl newer.deb >/dev/null
dpkg -i newer.deb >/dev/null
"""


def test_stopped_services_and_a_package_upgraded_by_hand() -> None:
    on_host(LAB, "cp1", "systemctl stop kubelet")
    on_host(LAB, "w1", f"systemctl stop kubelet docker.socket docker; set -e; {UPGRADE_BY_HAND}")
    plan = kubeinstall("plan", "-i", LAB)
    assert plan.code == 2
    for named in ("Run Docker", "Install kubelet, kubeadm and kubectl 1.20.2"):
        assert named in plan.text
    for host in ("cp1", "w1"):
        assert f"{host}: would change: Run the kubelet" in plan.text
    assert "with kubeadm" not in plan.text
    kubeinstall("up", "-y", "-i", LAB).ok()
    assert kubeinstall("plan", "-i", LAB).code == 0
    on_host(LAB, "cp1", "systemctl is-active kubelet")
    on_host(LAB, "w1", "systemctl is-active kubelet docker && dpkg -s kubectl | grep 1.20.2")


def test_the_package_source_is_switched_and_no_package_is_touched(tmp_path: Path) -> None:
    """The same mirror by another URL: one file changes on each host, and changes back."""
    document = yaml.safe_load(LAB.read_text())
    document["cluster"]["packages"]["url"] += ":80"
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(document))
    dpkg = "stat -c '%Y %s' /var/lib/dpkg/status"
    before = {host: on_host(LAB, host, dpkg) for host in HOSTS}
    for number, inventory in enumerate((other, LAB)):
        log = tmp_path / f"{number}.jsonl"
        kubeinstall("up", "-y", "-i", inventory, "--no-smoke", "--events", log).ok()
        changed = [(e["host"], e["operation"]) for e in events(log) if e.get("changed")]
        assert sorted(changed) == [(h, "Name the package source of Kubernetes") for h in HOSTS]
        assert kubeinstall("plan", "-i", inventory).code == 0
        update = "apt-get update 2>&1 | grep -c 'http://10.99.0.2.*core:' "
        assert int(on_host(LAB, "w1", update)) > 0
    assert {host: on_host(LAB, host, dpkg) for host in HOSTS} == before


def test_verify_in_each_format(tmp_path: Path) -> None:
    kubeinstall("verify", "-i", LAB).ok()
    report = tmp_path / "verify.json"
    kubeinstall("verify", "-i", LAB, "--format", "json", "-o", report).ok()
    assert json.loads(report.read_text())
    junit = tmp_path / "verify.xml"
    kubeinstall("verify", "-i", LAB, "--format", "junit", "-o", junit).ok()
    assert ET.parse(junit).getroot().findall(".//testcase")


def test_verify_fails_on_what_is_wrong() -> None:
    on_host(LAB, "w1", "systemctl stop kubelet")
    try:
        ran = kubeinstall("verify", "-i", LAB)
        assert ran.code == 15
        assert "w1" in ran.text
        assert "kubelet" in ran.text
    finally:
        on_host(LAB, "w1", "systemctl start kubelet")


def test_verify_tries_the_way_between_pods_of_two_nodes() -> None:
    """Each node is Ready and each pod runs: only a pod notices that packets are dropped."""
    place = f"{KUBECTL} create deployment between --replicas=4"
    image = yaml.safe_load(LAB.read_text())["cluster"]["smoke"]["image"]
    on_host(LAB, "cp1", f"{place} --image={image} -- sleep 1000")
    on_host(LAB, "cp1", f"{KUBECTL} rollout status deployment between --timeout=120s")
    drop = "FORWARD ! -i cni0 -o cni0 -j DROP"
    on_host(LAB, "w2", f"iptables -I {drop}")
    try:
        ran = kubeinstall("verify", "-i", LAB)
    finally:
        on_host(LAB, "w2", f"iptables -D {drop}")
    assert ran.code == 15
    assert "FAILED  Pods reach the pods of every other node" in ran.text
    assert "on w2 (10.244." in ran.text
    whole = kubeinstall("verify", "-i", LAB).ok().text
    assert whole.count("ok      Pods reach the pods of every other node") == 2, whole
    on_host(LAB, "cp1", f"{KUBECTL} delete deployment between")


def test_status_tells_the_nodes() -> None:
    text = kubeinstall("status", "-i", LAB).ok().text
    assert all(host in text for host in HOSTS)
    assert "1.20.2" in text


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
    assert "the kubelet does not come back with featureGates={'NoSuchGate': True}" in told
    assert "unrecognized feature gate: NoSuchGate" in told
    assert "stopped here: the kubelets of w2 are as they were" in told
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
    """Each pod is made anew alone and waited for; kubeadm's note in the cluster follows."""
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
        assert "Give kube-scheduler and kube-apiserver the inventory's arguments" in plan.text
        assert f"{'+' if there else '-'}--audit-log-maxage=7" in plan.text
        kubeinstall("up", "-y", "-i", inventory, "--only", "control-plane").ok()
        assert ("--audit-log-maxage=7" in on_host(LAB, "cp1", manifests)) is there
        assert ("audit-log-maxage" in on_host(LAB, "cp1", noted)) is there
        assert kubeinstall("plan", "-i", inventory).code == 0
    assert kubelets_started() == kubelets
    on_host(LAB, "cp1", f"{KUBECTL} -n kube-system wait --for=condition=Ready pod --all")


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
    assert "w1: would be moved from docker to containerd" in plan.text
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


def test_a_worker_that_is_off(tmp_path: Path) -> None:
    """The others finish; the exit code and the last lines say which host and why."""
    on_host(LAB, "w2", "systemctl stop ssh.socket ssh 2>/dev/null; systemctl mask --runtime ssh")
    on_host(LAB, "w1", "rm /etc/sysctl.d/*kubeinstall*")
    try:
        ran = kubeinstall("up", "-y", "-i", LAB, "--events", tmp_path / "e")
        assert ran.code == 11
        assert "Traceback" not in ran.text
        tail = "\n".join(ran.text.splitlines()[-25:])
        assert "w2" in tail
        assert "refused" in tail.lower()
        assert changed_hosts(tmp_path / "e") == {"w1"}
    finally:
        on_host(LAB, "w2", "systemctl unmask --runtime ssh; systemctl start ssh")
    kubeinstall("up", "-y", "-i", LAB).ok()


def test_kubeconfig_works_from_here(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeinstall("kubeconfig", "-i", LAB, "-o", path).ok()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "10.99.0.11:6443" in path.read_text()


def missing_images_are_named(tmp_path: Path) -> None:
    """On hosts that are no nodes: each host tells the first image that its registry has not."""
    document = yaml.safe_load(LAB.read_text())
    document["cluster"]["image_repository"] += "/nowhere"
    document["cluster"]["kubeadm"]["ignore_preflight_errors"].remove("ImagePull")
    path = tmp_path / "missing.yaml"
    path.write_text(yaml.safe_dump(document))
    ran = kubeinstall("up", "-y", "-i", path, "--only", "images")
    assert ran.code == 13, ran.text
    for image in ("kube-apiserver", "kube-proxy"):
        assert f"has no image 10.99.0.2:5000/nowhere/{image}:v1.20.2" in ran.text
    assert "coredns" not in ran.text
    assert "Traceback" not in ran.text


def test_reset_and_up_again_from_the_wheel(tmp_path: Path) -> None:
    """The wheel, in an environment without the checkout, resets and brings the cluster back."""
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*build, "-w", str(wheels), str(REPO)], check=True, timeout=300)
    venv.create(tmp_path / "env", with_pip=False, system_site_packages=False)
    site = next((tmp_path / "env").glob("lib/python*/site-packages"))
    # The locked dependencies come from this environment; kubeinstall itself from the wheel alone.
    here = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    (site / "locked.pth").write_text(f"{here}\n")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    wheel = next(wheels.glob("*.whl"))
    subprocess.run([*install, "--target", str(site), str(wheel)], check=True, timeout=300)
    program = (str(tmp_path / "env/bin/python"), "-m", "kubeinstall")
    inventory = tmp_path / "lab.yaml"
    inventory.write_text(LAB.read_text())

    def wheel_run(*arguments: str) -> str:
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        ran = kubeinstall(*arguments, "-i", inventory, program=program, cwd=tmp_path, env=env)
        return ran.ok().text

    wheel_run("reset", "-y")
    for host in HOSTS:
        left = on_host(
            LAB,
            host,
            "ls /etc/kubernetes/*.conf /var/lib/etcd/member 2>/dev/null; "
            "ip -o link show cni0 2>/dev/null; iptables-save | grep -c KUBE- ; true",
        )
        assert left.split() == ["0"], f"{host} is not clean after reset: {left}"
    ruleset = on_host(LAB, "w2", "nft list table inet filter")
    assert "kubeinstall" not in ruleset
    assert ruleset.count("policy drop") == 2
    missing_images_are_named(tmp_path)
    wheel_run("up", "-y")
    assert nodes() == {"cp1": True, "w1": True, "w2": True}
    assert "0 changed" in wheel_run("up", "-y")
