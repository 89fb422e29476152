"""Nodes are worked on in batches; a batch with a failure is the last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kubeinstall.cluster.answering import Answering
from kubeinstall.cluster.kubectl import Kubectl
from kubeinstall.cluster.node import parsed
from kubeinstall.cluster.nodes import Nodes, Standing
from kubeinstall.cluster.rolling import Progress, Rolled, Turn, roll
from kubeinstall.engine.types import Output
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Host
from tests.unit.clusters import cluster
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit

MADE = cluster(workers=5)
WORKERS = MADE.workers


class Play:
    """A roll over the workers, and what happened in it, in order.

    Args:
        stuck: nodes that cannot be drained.
        broken: hosts whose work fails.
        locked: nodes that cannot be uncordoned.
    """

    def __init__(
        self, *, stuck: Sequence[str] = (), broken: Sequence[str] = (), locked: Sequence[str] = ()
    ) -> None:
        self.said: list[str] = []
        self.out: set[str] = set()
        self._stuck, self._broken, self._locked = stuck, broken, locked
        run, session, _ = played_run(MADE, answer=self._answer)
        session.connect()
        self._kubectl = Kubectl(Answering(run.session))

    def roll(self, turns: Sequence[Turn] | None = None, batch: int = 1) -> Rolled:
        these = [Turn(host) for host in WORKERS] if turns is None else turns
        return roll(
            these,
            self._act,
            self._kubectl,
            lambda: Nodes(Standing.ANSWERED),
            out=lambda: self.out,
            told=lambda step, host: self.said.append(f"{step.name} {host.name}"),
            batch=batch,
        )

    def _act(self, hosts: Sequence[Host]) -> Mapping[str, Finding]:
        names = [host.name for host in hosts]
        self.said.append(f"act {' '.join(names)}")
        return {
            name: Finding(Kind.OPERATION, "broken", (name,))
            for name in names
            if name in self._broken
        }

    def _answer(self, _host: str, command: str) -> Output:
        script = command.splitlines()[-1]
        for name in (host.name for host in WORKERS):
            if f" drain {name} " in script:
                self.said.append(f"drain {name}")
                return Output(1 if name in self._stuck else 0, "error: no", "")
            if f"uncordon {name}" in script:
                self.said.append(script.partition("; ")[2] and f"uncordon {name}")
                return Output(1 if name in self._locked else 0, "", "no")
            if f"annotate --overwrite node {name} x=y" in script:
                self.said.append(f"annotate {name}")
            elif f" cordon {name}" in script:
                self.said.append(f"cordon {name}")
        return Output(0, json.dumps({"items": []}), "")


def names(hosts: Sequence[Host]) -> list[str]:
    return [host.name for host in hosts]


def one(name: str) -> list[str]:
    return [
        f"DRAIN {name}",
        f"cordon {name}",
        f"drain {name}",
        f"act {name}",
        f"uncordon {name}",
        f"DONE {name}",
    ]


def test_one_at_a_time() -> None:
    play = Play()
    rolled = play.roll([Turn(host) for host in WORKERS[:2]])
    assert play.said == [*one("w1"), *one("w2")]
    assert rolled == Rolled(WORKERS[:2])


def test_a_batch_is_worked_on_at_once() -> None:
    play = Play()
    rolled = play.roll(batch=2)
    acts = [said for said in play.said if said.startswith("act")]
    assert acts == ["act w1 w2", "act w3 w4", "act w5"]
    # Nobody is drained before those of the batch before take pods again.
    assert play.said.index("uncordon w2") < play.said.index("cordon w3")
    assert play.said.index("drain w2") < play.said.index("act w1 w2")
    assert rolled == Rolled(WORKERS)


def test_it_stops_at_the_first_that_does_not_come_back() -> None:
    play = Play(broken=["w2"])
    rolled = play.roll()
    assert names(rolled.done) == ["w1"]
    assert {name: finding.what for name, finding in rolled.failed.items()} == {"w2": "broken"}
    assert names(rolled.left) == ["w3", "w4", "w5"]
    # It keeps its cordon: nobody knows what its pods would find there.
    assert "uncordon w2" not in play.said
    assert play.said[-1] == "act w2"


def test_the_rest_of_its_batch_comes_back() -> None:
    play = Play(broken=["w1"])
    rolled = play.roll(batch=3)
    assert names(rolled.done) == ["w2", "w3"]
    assert list(rolled.failed) == ["w1"]
    assert names(rolled.left) == ["w4", "w5"]
    assert [said for said in play.said if "uncordon" in said] == ["uncordon w2", "uncordon w3"]


def test_a_node_that_cannot_be_drained_is_not_worked_on() -> None:
    play = Play(stuck=["w2"])
    rolled = play.roll(batch=2)
    assert "act w1" in play.said
    assert [said for said in play.said if "uncordon" in said] == ["uncordon w2", "uncordon w1"]
    assert rolled.failed["w2"].what == "node w2 cannot be drained"
    assert (names(rolled.done), names(rolled.left)) == (["w1"], ["w3", "w4", "w5"])
    play = Play(stuck=["w1"])
    assert names(play.roll().left) == ["w2", "w3", "w4", "w5"]
    assert not [said for said in play.said if said.startswith("act")]


def test_a_node_that_cannot_be_uncordoned_ends_it() -> None:
    play = Play(locked=["w1"])
    rolled = play.roll()
    assert (list(rolled.failed), rolled.done) == (["w1"], ())
    assert "DONE w1" not in play.said
    assert names(rolled.left) == ["w2", "w3", "w4", "w5"]


def test_a_host_that_is_out_by_now_is_skipped() -> None:
    play = Play()
    play.out = {"w2"}
    rolled = play.roll([Turn(host) for host in WORKERS[:3]])
    assert names(rolled.done) == ["w1", "w3"]
    assert not [said for said in play.said if "w2" in said]


def test_what_needs_no_drain_is_not_touched_before() -> None:
    play = Play()
    play.roll([Turn(WORKERS[0], drained=False)])
    assert play.said == ["act w1", f"{Progress.DONE.name} w1"]


def test_annotations_come_with_the_uncordon() -> None:
    play = Play()
    play.roll([Turn(WORKERS[0], drained=False, annotations={"x": "y"})])
    assert play.said == ["act w1", "annotate w1", "DONE w1"]


def test_a_node_that_its_user_cordoned_stays_so() -> None:
    play = Play()
    cordoned: dict[str, Any] = {"metadata": {"name": "w1"}, "spec": {"unschedulable": True}}
    roll(
        [Turn(WORKERS[0])],
        play._act,
        play._kubectl,
        lambda: Nodes(Standing.ANSWERED, items=parsed([cordoned])),
    )
    assert play.said == ["drain w1", "act w1"]
