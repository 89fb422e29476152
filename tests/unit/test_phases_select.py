"""Which phases and hosts a command line means."""

from __future__ import annotations

import pytest

from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.phases.phase import Phase
from kubeinstall.run.selection import limit, pick
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit

PHASES = tuple(
    Phase(name, name.title(), lambda _run: None)
    for name in ("connect", "preflight", "hosts", "control-plane", "smoke")
)


def names(**given: object) -> list[str]:
    return [phase.name for phase in pick(PHASES, **given)]  # type: ignore[arg-type]


def test_all_by_default() -> None:
    assert names() == ["connect", "preflight", "hosts", "control-plane", "smoke"]


def test_from_and_until_are_both_included_and_connect_is_always_there() -> None:
    assert names(first="hosts", last="control-plane") == ["connect", "hosts", "control-plane"]


def test_only_keeps_the_order_and_takes_commas() -> None:
    assert names(only=["smoke,hosts"]) == ["connect", "hosts", "smoke"]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"first": "control_plane"}, "did you mean control-plane?"),
        ({"only": ["somke"]}, "did you mean smoke?"),
        ({"first": "smoke", "last": "hosts"}, "phases in order"),
        ({"first": "hosts", "only": ["smoke"]}, "use one of them"),
    ],
)
def test_what_cannot_be_meant_is_told(given: dict[str, object], word: str) -> None:
    with pytest.raises(KubeinstallError) as error:
        names(**given)
    assert error.value.exit_code == Kind.USAGE
    assert word in error.value.findings[0].next


def test_no_limit() -> None:
    assert limit(cluster(), []) is None


def test_limit_takes_commas_and_repeats() -> None:
    assert limit(cluster(workers=3), ["w1,w2", "w3"]) == frozenset({"w1", "w2", "w3"})


def test_an_unknown_host_is_told_with_the_nearest() -> None:
    with pytest.raises(KubeinstallError) as error:
        limit(cluster(), ["wrk1"])
    assert "no host is named 'wrk1'" in error.value.findings[0].what
    assert "hosts: cp1, w1, w2" in error.value.findings[0].next
