"""Package sources and registries that hosts do not reach, and what is advised instead."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from kubeinstall.preflight.other_sources import advice, question
from kubeinstall.preflight.probe import Probe, sources
from kubeinstall.preflight.rules import judge
from tests.unit.clusters import cluster
from tests.unit.probed import TUNA, only, probes

pytestmark = pytest.mark.unit


def test_sources_of_an_inventory_with_a_mirror() -> None:
    mirrored = cluster(packages={"url": "http://10.0.0.2"}, image_repository="10.0.0.2:5000/k8s")
    assert sources(mirrored) == [("10.0.0.2", 80), ("10.0.0.2", 5000)]


def test_a_registry_with_mirrors_need_not_be_reached() -> None:
    registries = {"registry.k8s.io": {"mirrors": ["https://mirror.example.org"]}}
    assert sources(cluster(runtime={"registries": registries})) == [("pkgs.k8s.io", 443)]


def reaching(*hosts: str) -> dict[str, str]:
    return {f"{host}:443": "ok" for host in hosts}


LOST = [("pkgs.k8s.io", 443)]


def test_another_source_that_is_reached_is_advised() -> None:
    of = cluster()
    asked = question(of, LOST)
    for name in ("mirrors.aliyun.com", "mirrors.ustc.edu.cn", *TUNA):
        assert f"reach {name} 443 &" in asked
    assert "pkgs.k8s.io" not in asked
    assert advice(of, LOST, reaching(*TUNA)) == "set cluster.source: tuna"
    assert advice(of, LOST, reaching(TUNA[0])) == ""
    lost_there = {"w1": {"reach": {"pkgs.k8s.io:443": "refused"}}}
    finding = only(judge(of, probes(**lost_there), {"w1": "set cluster.source: tuna"}))
    assert finding.next.startswith("set cluster.source: tuna, which w1 reaches")


def test_own_settings_that_are_in_the_way_are_named() -> None:
    own = cluster(
        packages={"url": "https://packages.example.org", "key": "k.asc"},
        image_repository="registry.example.org/k8s",
    )
    found = advice(own, [("packages.example.org", 443)], reaching("pkgs.k8s.io"))
    assert found == ""
    reached = reaching("pkgs.k8s.io", "registry.example.org")
    found = advice(own, [("packages.example.org", 443)], reached)
    wanted = (
        "set cluster.source: official, and remove cluster.packages.url and cluster.packages.key"
    )
    assert found == wanted
    found = advice(own, [("registry.example.org", 443)], reaching("packages.example.org", TUNA[1]))
    assert found == "set cluster.source: aliyun, and remove cluster.image_repository"


def test_nothing_is_advised_that_has_no_packages_of_the_version() -> None:
    old = cluster(version="1.20.2", packages={"url": "http://10.0.0.2"})
    assert advice(old, [("10.0.0.2", 80)], reaching("pkgs.k8s.io", "k8s.gcr.io", *TUNA)) == ""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_question_runs_and_is_understood() -> None:
    text = question(cluster(), LOST)
    for name in ("mirrors.aliyun.com", "mirrors.ustc.edu.cn", *TUNA):
        text = text.replace(f"{name} 443", "127.0.0.1 1")
    answer = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
    assert Probe.parse(answer.stdout).reach == {"127.0.0.1:1": "refused"}
