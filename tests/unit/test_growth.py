"""The work for a host does not grow with the number of hosts: calls are counted, not seconds."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bench.start import inventory
from kubeinstall.engine.redact import Redactor
from kubeinstall.engine.types import Event, Status, Step
from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.report.door import console
from kubeinstall.report.plan import Plan
from kubeinstall.report.terminal import Terminal
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession

pytestmark = pytest.mark.unit

_GROWTH = 1.05
"""How many times the calls for a host among few there may be for a host among many."""


def calls(work: Callable[[], object]) -> int:
    """How many functions it calls, of C as well, and generators that go on."""
    count = 0

    def counted(_frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

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


@pytest.mark.parametrize("length", [3, 16])
def test_hiding_the_secrets_of_an_inventory(length: int) -> None:
    counts = {}
    for hosts in (10, 40, 160):
        # Others each time: expressions that were compiled are remembered.
        secrets = [f"{hosts:03}{number:x<{length}}" for number in range(hosts)]
        counts[hosts] = calls(partial(Redactor, secrets))
    assert growth(counts) < _GROWTH


def _report(hosts: int) -> None:
    plan = Plan()
    # Others each time, as above.
    names = {f"h{hosts:03}-{number:03}": [f"{hosts:03}.{number:03}"] for number in range(hosts)}
    reporter = Terminal(console(plain=True, file=io.StringIO()), plan=plan, hosts=names)
    reporter.phase_begins("hosts", "Prepare the hosts")
    for name in names:
        for operation in ("Turn off swap", "Load kernel modules"):
            diff = f"+{name} {operation}"
            reporter.event(Event(name, "hosts", operation, Status.PLANNED, diff=diff))
    reporter.phase_ends("hosts", 1.0)
    reporter.ends(names, {}, [])
    plan.as_dict({})


def test_reporting_a_plan() -> None:
    # Beyond what has a line for each host.
    counts = {hosts: calls(partial(_report, hosts)) for hosts in (20, 50, 170)}
    assert growth(counts) < _GROWTH


class _Compared:
    """A deploy that does nothing, and equals every other; it counts how often it was compared."""

    count = 0

    def __call__(self, *, inputs: None) -> None:
        del inputs

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        _Compared.count += 1
        return isinstance(other, _Compared)


def test_finding_hosts_of_a_kind() -> None:
    counts = {}
    for hosts in (10, 40, 160):
        with LocalSession(cluster(workers=hosts - 1), forks=1) as session:
            _Compared.count = 0
            session.prefetch({name: [Step(_Compared(), None)] for name in session.alive})
        counts[hosts] = _Compared.count
    assert growth(counts) < _GROWTH
