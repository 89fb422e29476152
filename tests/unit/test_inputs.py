"""The inputs of deploys."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kubeinstall.addons.changes import Change
from kubeinstall.deploys import addons, inputs
from kubeinstall.deploys.inputs import SystemInputs
from kubeinstall.deploys.kubernetes import workers
from kubeinstall.engine.types import Step
from kubeinstall.facts.identity import System, SystemState
from tests.unit.clusters import cluster
from tests.unit.operating import FactHost

pytestmark = pytest.mark.unit

SECRET = "abcdef.0123456789abcdef"
CLUSTER = cluster(workers=1)
ROCKY = SystemState("rocky", "9.4", ("rhel",))


def test_no_secret_is_shown() -> None:
    first = CLUSTER.first
    join = workers.Inputs(CLUSTER, first, join_config=f"token: {SECRET}")
    change = addons.ChangeInputs(CLUSTER, first, cast(Change, SECRET))
    for step in (Step[Any](workers.join, join), Step[Any](addons.addon, change)):
        assert SECRET not in f"{step} {step!r}"


def test_a_system_that_is_known_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "host", FactHost({System: ROCKY}))
    debian = SystemState("debian", "12", (), "bookworm")
    assert SystemInputs(CLUSTER, CLUSTER.first, debian).family().name == "debian"
    assert SystemInputs(CLUSTER, CLUSTER.first).identified() == ROCKY
    assert SystemInputs(CLUSTER, CLUSTER.first).family().name == "redhat"


def test_plain_pyinfra_hands_over_the_data_of_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    class Data:
        cluster = CLUSTER
        node = CLUSTER.host("w1")

    class Host:
        data = Data

    monkeypatch.setattr(inputs, "host", Host)
    assert workers.Inputs.plain() == workers.Inputs(CLUSTER, CLUSTER.host("w1"))
