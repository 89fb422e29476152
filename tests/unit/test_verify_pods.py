"""Whether pods of different nodes reach each other: who tries whom, and what an answer means."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Network

import pytest

from kubeinstall.engine.types import Output
from kubeinstall.verify import pods
from kubeinstall.verify.check import Result
from tests.unit.clusters import cluster
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit

NETWORK = IPv4Network("10.244.0.0/16")
PODS = """\
Pod cp1 kube-system coredns-a 10.244.0.2 Running
Pod w1 shop web-1 10.244.1.2 Running
Pod w2 kube-system proxy 10.0.0.12 Running
Pod w2 shop web-2 10.244.2.2 Running
"""


def chosen(text: str) -> dict[str, str]:
    found = pods.chosen(text, ("cp1", "w1", "w2"), NETWORK)
    return {node: str(pod.address) for node, pod in found.items()}


def test_each_node_has_a_pod_of_its_own_network() -> None:
    assert chosen(PODS) == {"cp1": "10.244.0.2", "w1": "10.244.1.2", "w2": "10.244.2.2"}


def test_pods_of_the_system_go_first() -> None:
    assert chosen(PODS + "Pod w1 kube-system x 10.244.1.9 Running\n")["w1"] == "10.244.1.9"


def test_pods_that_a_policy_guards_are_not_tried() -> None:
    assert chosen(PODS + "NetworkPolicy shop x\n") == {"cp1": "10.244.0.2"}


@pytest.mark.parametrize(
    "line",
    [
        "Pod w1 a b 10.244.1.2;reboot Running",
        "Pod w1 a b $(reboot) Running",
        "Pod w1 a b 192.0.2.1 Running",
        "Pod elsewhere a b 10.244.1.2 Running",
        "Pod w1 a b Running",
        "Pod w1 a b 10.244.1.2 Pending",
        "Pod w1 a b 10.244.1.2",
        "Pod w1 a b c d e 10.244.1.2 Running",
        "10.244.1.2",
        "",
    ],
)
def test_what_is_no_pod_of_this_cluster_is_left_out(line: str) -> None:
    assert chosen(line) == {}


def tried(answers: dict[str, Output], listed: str = PODS) -> tuple[list[Result], dict[str, str]]:
    """The results, and each host's script."""

    def answer(host: str, command: str) -> Output:
        return Output(0, listed, "") if "get pods,networkpolicies -A" in command else answers[host]

    run, session, _ = played_run(cluster(), answer=answer)
    session.connect()
    results = pods.reach(run.session, run.cluster, "cp1", ["cp1", "w1", "w2"])
    return results, {host: text for host, text in session.asked if "get pods," not in text}


def said(*lines: str) -> Output:
    return Output(0, "".join(f"{line}\n" for line in lines), "")


GOOD = {
    "cp1": said("10.244.1.2 ok", "10.244.2.2 ok"),
    "w1": said("10.244.2.2 ok", "10.244.0.2 ok"),
    "w2": said("10.244.0.2 ok", "10.244.1.2 ok"),
}


def test_every_node_tries_every_other() -> None:
    results, scripts = tried(GOOD)
    assert [(r.host, r.good) for r in results] == [("cp1", True), ("w1", True), ("w2", True)]
    assert "try 10.244.0.2 9 &" in scripts["w1"]
    assert "try 10.244.2.2 9 &" in scripts["w1"]
    assert "try 10.244.1.2" not in scripts["w1"]


def test_one_way_that_is_shut_is_named() -> None:
    results, _ = tried({**GOOD, "w1": said("10.244.2.2 no answer in 4 s", "10.244.0.2 ok")})
    [bad] = [result for result in results if result.failed]
    assert bad.host == "w1"
    assert bad.message == (
        "pod shop/web-1 cannot reach pod shop/web-2 on w2 (10.244.2.2): no answer in 4 s"
    )
    assert bad.next.startswith("on w1: ip route;")


def test_a_host_that_does_not_say_is_no_pass() -> None:
    results, _ = tried({**GOOD, "w2": said("10.244.0.2 ok")})
    assert [r.host for r in results if r.failed] == ["w2"]


def test_a_node_without_a_pod_is_not_tried_and_says_so() -> None:
    listed = "\n".join(PODS.splitlines()[:3])
    results, scripts = tried({"cp1": said("10.244.1.2 ok"), "w1": said("10.244.0.2 ok")}, listed)
    assert [(r.host, r.tried, r.failed) for r in results] == [
        ("cp1", True, False),
        ("w1", True, False),
        ("w2", False, False),
    ]
    assert "w2" not in scripts


def test_a_pod_that_has_ended_meanwhile_is_no_failure() -> None:
    results, _ = tried({**GOOD, "w1": said("gone")})
    assert [(r.host, r.tried, r.failed) for r in results if not r.good] == [("w1", False, False)]


def test_in_a_large_cluster_the_nodes_share_the_work() -> None:
    many = "".join(f"Pod w{n} a p{n} 10.244.{n}.2 Running\n" for n in range(1, 101))
    found = pods.chosen(many, [f"w{n}" for n in range(1, 101)], NETWORK)
    others = {node: pods._others(node, found) for node in found}
    assert {len(mine) for mine in others.values()} == {20}
    assert {pod.node for mine in others.values() for pod in mine} == set(found)
    assert all(node not in {pod.node for pod in mine} for node, mine in others.items())


def test_the_script_says_when_no_pod_has_the_address() -> None:
    listed = pods.chosen(PODS, ("cp1", "w1"), NETWORK)
    text = pods._script(listed["cp1"], [listed["w1"]])
    answer = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
    assert answer.stdout == "gone\n"
