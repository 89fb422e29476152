"""Routes between the hosts' pods, and labels of nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubeinstall.facts import cni as cni_facts
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.operations import cni, reset
from tests.unit.operating import commands, texts

pytestmark = pytest.mark.unit

ROUTES = {
    "wanted": {"10.244.1.0/24": "10.0.0.11"},
    "protocol": 107,
    "unit": "kubeinstall-routes",
    "files": ("/etc/u", "/usr/local/s"),
}
LIVE = cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.11"}, True)
RAN = UnitState("loaded", "active", "enabled", started=2.0, configured=1.0)


@pytest.mark.parametrize(
    ("live", "unit", "right"),
    [
        (LIVE, RAN, True),
        (cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.12"}, True), RAN, False),
        (cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.11"}, False), RAN, False),
        (cni_facts.RoutesState({}, True), RAN, False),
        (LIVE, replace(RAN, enabled="disabled"), False),
        (LIVE, replace(RAN, active="failed"), False),
        # Written by a run that was killed before it could restart the unit.
        (LIVE, replace(RAN, configured=3.0), False),
        (LIVE, replace(RAN, stale=True), False),
    ],
)
def test_routes(
    monkeypatch: pytest.MonkeyPatch, live: cni_facts.RoutesState, unit: UnitState, right: bool
) -> None:
    found = {cni_facts.Routes: live, Unit: unit}
    lines = texts(commands(monkeypatch, cni.routes, found, **ROUTES))
    assert lines == (
        []
        if right
        else [
            "systemctl daemon-reload && systemctl enable -q kubeinstall-routes",
            "systemctl restart kubeinstall-routes",
        ]
    )


@pytest.mark.parametrize(
    ("address", "lines"),
    [("", []), ("10.244.2.1", []), ("10.244.1.1", ["ip link delete cni0"])],
)
def test_a_bridge_of_another_share(
    monkeypatch: pytest.MonkeyPatch, address: str, lines: list[str]
) -> None:
    found = {cni_facts.BridgeAddress: address}
    assert texts(commands(monkeypatch, cni.bridge, found, pod_cidr="10.244.2.0/24")) == lines


RESETS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (reset.kubeadm_reset, {"cri_socket": "unix:///s"}),
    (
        reset.routes_gone,
        {"unit": "u", "unit_file": "/etc/u", "script": "/usr/local/s", "protocol": 107},
    ),
    (reset.cni_gone, {}),
    (reset.rules_gone, {}),
    (reset.folders_gone, {}),
)
