"""Pods, Services and requests that somebody else wrote: none of it gets into a script of ours."""

from __future__ import annotations

import json
import shlex
from types import SimpleNamespace
from typing import Any, cast

import pytest
from testinfra.host import Host as Target

from kubeinstall.cluster.conditions import schedulable
from kubeinstall.cluster.node import parsed
from kubeinstall.cluster.pending import Pending
from kubeinstall.engine.types import Output
from kubeinstall.facts import serving_certificates
from kubeinstall.findings import KubeinstallError
from kubeinstall.phases import ready, smoke
from kubeinstall.verify.checks import host_ports
from kubeinstall.verify.checks.network import knock
from tests.unit.clusters import cluster
from tests.unit.hostile.payloads import CANARY, DEEP, NOT_ADDRESSES, WORDS
from tests.unit.hostile.shell import reached
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit

SHORT = [word for word in WORDS if len(word) < 1000]


def asked(answer: str, work: Any) -> list[str]:
    """The scripts that a phase asks of hosts where every answer is this one."""
    run, session, _ = played_run(cluster(), answer=lambda _host, _command: Output(0, answer, ""))
    session.connect()
    with pytest.raises(KubeinstallError) as raised:
        work(run)
    assert all(len(str(finding)) < 2000 for finding in raised.value.findings)
    return [script for _, script in session.asked]


@pytest.mark.parametrize("word", NOT_ADDRESSES)
def test_a_services_address_and_port(word: str) -> None:
    specs: tuple[Any, ...] = (
        {"clusterIP": word, "ports": [{"nodePort": 30080}]},
        {"clusterIP": "10.96.0.7", "ports": [{"nodePort": word}]},
        {"clusterIP": "10.0.0.10", "ports": [{"nodePort": 30080}]},
        {"clusterIP": "10.96.0.7", "ports": [{"nodePort": 70000}]},
        {"clusterIP": "10.96.0.7", "ports": {}},
        word,
        [],
    )
    for spec in specs:
        scripts = asked(json.dumps({"spec": spec}), smoke._service)
        assert len(scripts) == 1


@pytest.mark.parametrize(
    ("word", "part"),
    [
        *((word, "podIP") for word in NOT_ADDRESSES),
        *((word, part) for word in WORDS for part in ("name", "nodeName")),
    ],
)
def test_a_pods_name_node_and_address(word: str, part: str) -> None:
    pod = {
        "metadata": {"name": word if part == "name" else "web-1"},
        "spec": {"nodeName": word if part == "nodeName" else "w1"},
        "status": {"podIP": word if part == "podIP" else "10.244.1.2"},
    }
    with pytest.raises(ValueError):
        smoke.Pod.of(pod)
    scripts = asked(json.dumps({"items": [pod]}), lambda run: smoke._wait_for(run, 1))
    assert not [script for script in scripts if CANARY in script]


@pytest.mark.parametrize("text", [DEEP, "", "[]", "null", '{"items": 7}', "junk", '"x"'])
def test_lists_that_are_none(text: str) -> None:
    asked(text, lambda run: run.kubectl.items("$kubectl get pods -o json"))


@pytest.mark.parametrize("word", SHORT)
def test_nodes_that_pods_are_placed_by(word: str) -> None:
    ready_ = {"conditions": [{"type": "Ready", "status": "True"}]}
    labels = {"kubernetes.io/hostname": word}
    node = {"metadata": {"name": "x", "labels": labels}, "spec": {}, "status": ready_}
    assert schedulable(parsed([node, {**node, "metadata": {"name": "y"}}])) == []


@pytest.mark.parametrize("word", SHORT)
def test_a_pod_whose_log_is_read(word: str) -> None:
    run, session, _ = played_run(cluster())
    session.connect()
    finding = ready._finding(run, Pending("Pod", word, "x", namespace=word, container=word), 300.0)
    for script in (*(script for _, script in session.asked), finding.next.partition(": ")[2]):
        assert not list(reached(script, CANARY)), script


class _Answering:
    """A host of testinfra's that remembers what it was asked."""

    def __init__(self, stdout: str) -> None:
        self.scripts: list[str] = []
        self._stdout = stdout

    def run(self, script: str, *arguments: str) -> Any:
        self.scripts.append(script % tuple(map(shlex.quote, arguments)) if arguments else script)
        return SimpleNamespace(rc=0, stdout=self._stdout, stderr="")


@pytest.mark.parametrize("word", NOT_ADDRESSES)
def test_where_a_pod_says_that_it_is(word: str) -> None:
    for address, number in ((word, 80), ("10.0.0.11", word)):
        pod = {
            "metadata": {"name": "x"},
            "spec": {"containers": [{"ports": [{"hostPort": number}]}]},
            "status": {"phase": "Running", "hostIP": address},
        }
        host = _Answering(json.dumps({"items": [pod]}))
        with pytest.raises(ValueError):
            list(host_ports._host_ports(cast(Target, host), "traefik"))


@pytest.mark.parametrize("word", SHORT)
def test_knocking_quotes_what_it_knocks_at(word: str) -> None:
    host = _Answering("")
    knock(cast(Target, host), [word])
    assert not list(reached(host.scripts[0], CANARY))


@pytest.mark.parametrize("word", SHORT)
def test_a_request_for_a_certificate_is_named_as_one(word: str) -> None:
    spec = {"username": "system:node:w1", "usages": [], "request": "YQ=="}
    one = {"metadata": {"name": word}, "spec": spec, "status": {}}
    good = {"metadata": {"name": "csr-x7"}, "spec": spec, "status": {}}
    found = serving_certificates.pending(json.dumps({"items": [one, good]}))
    assert [request.name for request in found] == ["csr-x7"]
