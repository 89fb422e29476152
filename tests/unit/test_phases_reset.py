"""Reset: who is asked to let go, in which order, and what stays with the cluster that is left."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind
from kubeinstall.phases import reset
from kubeinstall.run.runner import execute
from tests.unit.clusters import cluster
from tests.unit.played_cluster import Api
from tests.unit.played_session import Memory, PlayedSession, Why, played_run

pytestmark = pytest.mark.unit

LEFT = "kubeadm\npackage:kubeadm\npackage:kubelet\n"


def gone(
    *limit: str, drains: bool = True, **session: Any
) -> tuple[list[str], int, PlayedSession, Memory]:
    """A reset of these hosts, or of all: what was done, in its order."""
    api = Api(cluster())

    def answer(host: str, command: str) -> Output:
        if "echo kubeadm" in command:
            return Output(0, LEFT, "")
        if " drain " in command and not drains:
            return Output(1, "", "cannot delete Pods")
        return api(host, command)

    run, made, memory = played_run(cluster(), answer=answer, **session)
    run.limit = frozenset(limit) or None
    code = execute(run, reset.PHASES)
    words = {"kubeadm reset": "reset", " drain ": "drain", " delete node ": "delete"}
    done = []
    for sent in made.sent:
        for part, word in words.items():
            if part in sent.command and sent.why is not Why.FACT:
                named = [n for n in ("w1", "w2") if f" {n} " in f"{sent.command} "]
                done.append(f"{word} {sent.host if word == 'reset' else named[0]}")
    return done, code, made, memory


def test_of_a_whole_cluster_workers_go_first_and_nobody_is_drained() -> None:
    done, code, made, _ = gone()
    assert code == 0
    assert sorted(done[:2]) == ["reset w1", "reset w2"]
    assert done[2:] == ["reset cp1"]
    assert made.locked


def test_a_worker_alone_is_drained_before_and_no_node_afterwards() -> None:
    done, code, made, memory = gone("w1")
    assert code == 0
    assert done == ["drain w1", "reset w1", "delete w1"]
    assert {host for host, _ in made.did} == {"w1"}
    assert "node w1 is drained" in memory.notes
    assert "node w1 is removed" in memory.notes


def test_a_worker_that_goes_with_the_control_plane_is_not_drained() -> None:
    done, _, made, _ = gone("w1", "cp1")
    assert done == ["reset w1", "reset cp1"]
    assert "w2" not in made.alive


def test_a_drain_that_fails_is_told_and_stops_nothing() -> None:
    done, code, _, memory = gone("w1", drains=False)
    assert code == 0
    assert done == ["drain w1", "reset w1", "delete w1"]
    assert "w1 was not drained: cannot delete Pods" in memory.notes


def test_a_worker_that_cannot_be_reset_stops_no_other() -> None:
    done, code, _, memory = gone(fails={"w1": "reset-workers"})
    assert code == Kind.OPERATION
    assert done[-1] == "reset cp1"
    assert "reset w2" in done
    assert list(memory.out) == ["w1"]


def test_a_control_plane_that_is_away_leaves_the_workers_to_reset() -> None:
    done, code, _, _ = gone(unreachable=["cp1"])
    assert sorted(done) == ["reset w1", "reset w2"]
    assert code == Kind.CONNECT
