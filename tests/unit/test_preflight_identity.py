"""Identities that cloned hosts share."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinstall.preflight.identity import renewed
from kubeinstall.preflight.rules import judge
from tests.unit.clusters import cluster
from tests.unit.probed import only, probes

pytestmark = pytest.mark.unit

RENEW: dict[str, Any] = {"machine_ids": "renew-duplicates"}


@pytest.mark.parametrize("identity", ["machine_id", "mac", "product_uuid"])
def test_clones_are_told_once_with_all_their_names(identity: str) -> None:
    same: dict[str, Any] = {identity: "same"}
    finding = only(judge(cluster(), probes(w1=same, w2=same)))
    assert finding.where == "w1, w2"
    assert finding.severity == "error"


@pytest.mark.parametrize(
    ("nodes", "new"),
    [
        ((), ["w1", "w2"]),
        (("w1",), ["cp1", "w2"]),
        (("cp1", "w1"), ["w2"]),
        (("cp1", "w1", "w2"), []),
    ],
)
def test_who_of_clones_gets_a_new_machine_id(nodes: tuple[str, ...], new: list[str]) -> None:
    clones = {name: {"machine_id": "same", "node": name in nodes} for name in ("cp1", "w1", "w2")}
    assert list(renewed(cluster(**RENEW), probes(**clones))) == new
    assert renewed(cluster(), probes(**clones)) == {}


def test_a_machine_id_that_is_to_be_renewed_stops_nothing() -> None:
    same: dict[str, Any] = {"machine_id": "same"}
    finding = only(judge(cluster(**RENEW), probes(w1=same, w2=same)))
    assert finding.severity == "warning"
    assert finding.what == "the same machine-id same; new: w2"
    assert "DHCP" in finding.next
    others: dict[str, Any] = {"mac": "same"}
    assert only(judge(cluster(**RENEW), probes(w1=others, w2=others))).severity == "error"


def test_containers_share_their_machines_product_uuid() -> None:
    same = {"product_uuid": "same", "container": "systemd-nspawn"}
    found = judge(cluster(), probes(cp1=same, w1=same, w2=same))
    assert [finding.severity for finding in found] == ["warning"]


def test_nodes_that_work_already_are_not_called_clones() -> None:
    same = {"machine_id": "same", "node": True}
    assert judge(cluster(), probes(w1=same, w2=same)) == []
