"""The work for a host does not grow with the number of hosts: function calls are counted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bench.start import inventory
from kubeinstall.inventory.load import load_with_warnings

pytestmark = pytest.mark.unit

_GROWTH = 1.05
"""How many times the calls for a host among few there may be for a host among many."""


def calls(work: Callable[[], object]) -> int:
    """How many Python functions it calls, generators that go on included."""
    count = 0

    def counted(_frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def growth(counts: dict[int, int]) -> float:
    """How many times as much the last hosts cost as the first ones: 1 if the cost is a line.

    Args:
        counts: number of hosts to calls; three of them.
    """
    (few, low), (some, middle), (many, high) = sorted(counts.items())
    return ((high - middle) / (many - some)) / ((middle - low) / (some - few))


@pytest.mark.parametrize(
    "defaults",
    [
        "ssh: {user: debian}",
        "ssh: {user: root, sudo_password: not-used}",
        "kubelet: {cpu_manager_policy: static, kube_reserved: {cpu: 100m}}",
    ],
)
def test_loading_an_inventory(tmp_path: Path, defaults: str) -> None:
    counts = {}
    for hosts in (10, 40, 160):
        file = tmp_path / f"{hosts}.yaml"
        file.write_text(inventory(hosts, defaults))
        load_with_warnings(file)
        counts[hosts] = calls(partial(load_with_warnings, file))
    assert growth(counts) < _GROWTH
