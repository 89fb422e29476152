"""The cluster saved and restored: the same nodes, its pods running, and nothing left for `up`.

Needs the cluster of test_cluster. What follows runs on the lab that was restored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.docker.lab import HOSTS, KUBECTL, LAB, changed_hosts, nodes
from tests.running import kubeinstall, on_host

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

NAME = "test-restored"
IMAGE = "10.99.0.2:5000/demo/busybox:1"
SHOP = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: saved }}
spec:
  replicas: 2
  selector: {{ matchLabels: {{ app: saved }} }}
  template:
    metadata: {{ labels: {{ app: saved }} }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: app
          image: {IMAGE}
          command: [sh, -c, "mkdir /www; hostname > /www/index.html; httpd -f -h /www"]
---
apiVersion: v1
kind: Service
metadata: {{ name: saved }}
spec:
  selector: {{ app: saved }}
  ports: [{{ port: 80 }}]
"""
READY = f"{KUBECTL} rollout status deployment/saved --timeout=110s"
UIDS = "".join(
    f"{KUBECTL} get {what} -o jsonpath='{{range .items[*]}}{{.metadata.uid}} {{end}}';"
    for what in ("nodes", "pods -n kube-system", "pods -l app=saved")
)
# kube-proxy needs a moment to learn the pods' new addresses.
CURL = "curl -s --retry 30 --retry-delay 1 --retry-all-errors"
ASK = f"{CURL} http://$({KUBECTL} get service saved -o jsonpath='{{.spec.clusterIP}}')"


@pytest.fixture(scope="module", autouse=True)
def saved() -> Iterator[set[str]]:
    """The cluster with something that runs in it, saved; it goes on.

    Yields:
        The UIDs of its nodes and pods.
    """
    on_host(LAB, "cp1", f"{KUBECTL} apply -f - <<'END'\n{SHOP}\nEND\n{READY}")
    before = uids()
    kubeinstall("lab", "save", NAME, "--replace", "-i", LAB).ok()
    yield before
    kubeinstall("lab", "rm", NAME).ok()


def uids() -> set[str]:
    return set(on_host(LAB, "cp1", UIDS).split())


def restore() -> str:
    kubeinstall("lab", "down", "-i", LAB).ok()
    return kubeinstall("lab", "up", "--from", NAME, "-i", LAB).ok().text


def test_it_goes_on_after_it_was_saved() -> None:
    assert nodes() == {"cp1": True, "w1": True, "w2": True}
    assert on_host(LAB, "cp1", ASK).startswith("saved-")


def test_it_comes_back_the_same(saved: set[str], tmp_path: Path) -> None:
    assert "3 nodes Ready" in restore()
    assert nodes() == {"cp1": True, "w1": True, "w2": True}
    assert uids() == saved
    assert on_host(LAB, "cp1", ASK).startswith("saved-")
    log = tmp_path / "events.jsonl"
    kubeinstall("up", "-y", "-i", LAB, "--events", log).ok()
    assert changed_hosts(log) == set()


def test_what_is_changed_in_it_does_not_reach_the_snapshot(saved: set[str]) -> None:
    on_host(LAB, "cp1", f"{KUBECTL} delete deployment saved --wait=false; rm /etc/issue")
    for host in HOSTS:
        on_host(LAB, host, "docker image prune --all --force; echo x >> /etc/hosts")
    changed = {host: on_host(LAB, host, "cat /etc/hosts") for host in HOSTS}
    restore()
    assert uids() == saved
    assert on_host(LAB, "cp1", "ls /etc/issue").strip() == "/etc/issue"
    for host in HOSTS:
        assert on_host(LAB, host, "cat /etc/hosts") != changed[host]
    assert on_host(LAB, "cp1", ASK).startswith("saved-")


def test_the_list_has_it() -> None:
    listed = json.loads(kubeinstall("lab", "snapshots", "--json").ok().text)
    found = next(each for each in listed if each["name"] == NAME)
    assert found["cluster"]["nodes"] == ["cp1", "w1", "w2"]
