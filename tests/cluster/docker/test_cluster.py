"""One control plane and two workers with docker: the README's cluster, from nothing.

The tests run in order on one cluster; each says what it needs from those before it.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from tests.cluster.docker.lab import HOSTS, KUBECTL, LAB, changed_hosts, nodes, written
from tests.running import events, kubeinstall, on_host

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

# What a run that changes nothing must leave as it was: files' times, and when services started.
FOOTPRINT = """
find /etc /opt/cni /var/lib/kubelet/config.yaml /usr/lib/systemd /root/.kube \
  -type f -not -path '/etc/mtab' -printf '%p %T@ %C@ %s %m\\n' 2>/dev/null | sort
systemctl show -p Id -p ActiveEnterTimestampMonotonic kubelet docker ssh kubeinstall-routes 2>&1
"""


def test_up_makes_the_cluster(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    ran = kubeinstall("up", "-y", "-i", LAB, "--events", log).ok()
    assert nodes() == {"cp1": True, "w1": True, "w2": True}
    assert changed_hosts(log) == set(HOSTS)
    assert "[init]" in ran.text, "kubeadm's own output reaches the user"


def test_all_packages_came_in_one_transaction() -> None:
    """Nothing else was installed on w1: w2 has a firewall of its own."""
    found = on_host(LAB, "w1", "grep '^Commandline: .* install ' /var/log/apt/history.log")
    [install] = found.splitlines()
    assert {"chrony", "docker.io", "socat", "kubelet=1.20.2-*"} <= set(install.split())


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
    jobs = "while systemctl list-jobs --no-legend | grep .; do sleep .1; done"
    on_host(LAB, "w2", f"systemctl reload nftables; {jobs}")
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
        assert sorted(changed) == [(h, "Configure the package source of Kubernetes") for h in HOSTS]
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
    assert "FAILED  Pods can reach the pods of every other node" in ran.text
    assert "on w2 (10.244." in ran.text
    whole = kubeinstall("verify", "-i", LAB).ok().text
    assert whole.count("ok      Pods can reach the pods of every other node") == 2, whole
    on_host(LAB, "cp1", f"{KUBECTL} delete deployment between")


def test_status_tells_the_nodes() -> None:
    text = kubeinstall("status", "-i", LAB).ok().text
    assert all(host in text for host in HOSTS)
    assert "1.20.2" in text
