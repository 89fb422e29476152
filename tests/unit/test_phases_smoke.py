"""The smoke app from its Deployment to its removal, on a cluster that is played."""

from __future__ import annotations

import json
import re
import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from kubeinstall.engine.types import Output
from kubeinstall.findings import Finding, Kind
from kubeinstall.phases import smoke
from kubeinstall.phases.phase import Phase
from kubeinstall.run.runner import execute
from tests.unit.clusters import cluster
from tests.unit.played_cluster import nodes_of
from tests.unit.played_session import Memory, PlayedSession, played_run

pytestmark = pytest.mark.unit

NODES = [n for n in nodes_of(cluster()) if n["metadata"]["name"] != "cp1"]


class App:
    """What kubectl says of the app, and what it is told.

    Args:
        deaf: of these words in a question, no answer comes from the app.
        broken: a pod in which nothing can be run.
        keeps: a pod that is deleted stays.
    """

    def __init__(self, deaf: str = "", broken: str = "", *, keeps: bool = False) -> None:
        self.there = False
        self.pods: list[int] = []
        self.steps: list[str] = []
        self.tried: dict[str, list[str]] = {}
        self._deaf = deaf
        self._keeps = keeps
        self._broken = broken
        self._made = 0

    def __call__(self, host: str, command: str) -> Output:
        if "delete namespace" in command:
            waits = "--wait=false" not in command.partition("delete namespace")[2]
            self.steps.append(f"remove{' and wait' if waits else ''}")
            self.there, self.pods = False, []
        elif "apply -f -" in command:
            self.steps.append("apply")
            self.there = True
            self._scale(2)
        elif found := re.search(r"scale deployment web --replicas=(\d+)", command):
            self.steps.append(f"scale to {found[1]}")
            self._scale(int(found[1]))
            if found := re.search(r"delete pod web-(\d+) ", command):
                self.steps.append("delete a pod")
                if not self._keeps:
                    self.pods.remove(int(found[1]))
                    self._scale(len(self.pods) + 1)
        elif "get nodes -o json" in command:
            return Output(0, json.dumps({"items": NODES}), "")
        elif "get pods -o json" in command:
            return Output(0, json.dumps({"items": [_pod(number) for number in self.pods]}), "")
        elif "get service web" in command:
            spec = {"clusterIP": "10.96.0.99", "ports": [{"nodePort": 30080}]}
            return Output(0, json.dumps({"spec": spec}), "")
        elif found := re.search(r"^set -- (.*)$", command, re.MULTILINE):
            words = shlex.split(found[1])
            self.steps.append("name" if "//web." in words[0] else "pod to pod")
            return Output(0, "".join(self._from_pod(*word.split()) for word in words), "")
        elif "ClusterIP" in command:
            return self._from_host(host, command)
        return Output(0, "", "")

    def _from_pod(self, name: str, *urls: str) -> str:
        if name == self._broken:
            return f"{name} error: unable to upgrade connection\n"
        deaf = [bool(self._deaf) and self._deaf in url for url in urls]
        told = ["failed wget: timed out" if one else "ok" for one in deaf]
        return "".join(f"{name} {url} {said}\n" for url, said in zip(urls, told, strict=True))

    def _from_host(self, host: str, command: str) -> Output:
        tries = re.findall(r"^try '?([^' ]+)'? (\d+) '?([^'\n]+)'?$", command, re.MULTILINE)
        self.tried[host] = [f"{address}:{port}" for address, port, _ in tries]
        said = [
            f"{what} {'failed' if self._deaf and self._deaf in what else 'ok'}"
            for _, _, what in tries
        ]
        return Output(0, "\n".join(said), "")

    def _scale(self, count: int) -> None:
        while len(self.pods) < count:
            self._made += 1
            self.pods.append(self._made)


def _pod(number: int) -> dict[str, Any]:
    return {
        "metadata": {"name": f"web-{number}", "namespace": smoke.NAMESPACE},
        "spec": {"nodeName": f"w{1 + number % 2}"},
        "status": {
            "podIP": f"10.244.{number % 2}.{number}",
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def tried(app: App, **session: Any) -> tuple[int, list[Finding], PlayedSession, Memory]:
    """The phase with this app."""
    run, made, memory = played_run(cluster(smoke={"timeout": 10}), answer=app, **session)
    made.connect()
    run.smoke = True
    code = execute(run, [Phase("smoke", "", smoke.run)])
    return code, memory.errors, made, memory


def test_an_app_that_works_is_tried_from_every_side_and_gone_afterwards() -> None:
    app = App()
    code, errors, _, memory = tried(app)
    assert (code, errors) == (0, [])
    assert app.steps == [
        *("remove and wait", "apply", "pod to pod", "name"),
        *("scale to 3", "delete a pod", "remove"),
    ]
    assert not app.there
    assert memory.notes[-1] == "the smoke app was removed"


def test_each_host_tries_the_address_its_own_port_and_another_hosts() -> None:
    app = App()
    tried(app)
    own = {"cp1": "10.0.0.10:30080", "w1": "10.0.0.11:30080", "w2": "10.0.0.12:30080"}
    assert set(app.tried) == set(own)
    for host, (service, here, there) in app.tried.items():
        assert (service, here) == ("10.96.0.99:80", own[host])
        assert there in set(own.values()) - {own[host]}


@pytest.mark.parametrize(
    ("deaf", "what"),
    [
        ("//10.244.0.2:8080", "smoke test: pod to pod on w1: web-1 on w2 does not get an answer"),
        ("//web.kubeinstall-smoke", "smoke test: DNS: web-1 on w2 does not get an answer"),
        ("ClusterIP", "smoke test: the Service does not answer from cp1: ClusterIP failed"),
        ("NodePort of w1", "smoke test: the Service does not answer from cp1: NodePort of w1"),
    ],
)
def test_what_gets_no_answer_fails_the_run_and_the_app_is_gone(deaf: str, what: str) -> None:
    app = App(deaf)
    code, errors, _, _ = tried(app)
    assert code == Kind.CLUSTER
    assert errors[0].what.startswith(what)
    assert app.steps[-1] == "remove"


def test_a_pod_in_which_nothing_runs_tells_why() -> None:
    code, errors, _, _ = tried(App(broken="web-2"))
    assert code == Kind.CLUSTER
    assert errors[0].what.startswith("smoke test: pod to pod on w2: web-2 on w1 does not get an")
    assert errors[0].why == "error: unable to upgrade connection"


def test_a_pod_that_was_deleted_and_stays_is_no_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(smoke, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=int))
    code, errors, _, _ = tried(App(keeps=True))
    assert code == Kind.CLUSTER
    assert "timed out after 10 s waiting for 3 Ready pods" in errors[0].what
