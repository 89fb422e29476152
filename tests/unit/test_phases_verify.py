"""What `verify` says of the running cluster beside the checks of hosts."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases import verify
from kubeinstall.phases.phase import Phase
from kubeinstall.run.runner import execute
from kubeinstall.verify.check import Result
from tests.unit.clusters import cluster
from tests.unit.played_cluster import answering, node, nodes_of, told
from tests.unit.played_session import Memory, PlayedSession, played_run

pytestmark = pytest.mark.unit

MADE = cluster()


def checked(
    monkeypatch: pytest.MonkeyPatch, wanted: Cluster, said: str, *names: str
) -> tuple[list[Result], list[str], Cluster]:
    """The results, the warnings, and the cluster that the hosts were checked for."""
    seen: list[Cluster] = []

    def hosts(_session: object, cluster: Cluster, _asked: str, names: list[str]) -> list[Result]:
        seen.append(cluster)
        return [Result(name, "system.swap_is_off", "Swap is off") for name in names]

    monkeypatch.setattr(verify, "verify", hosts)
    run, session, _ = played_run(wanted, answer=answering(wanted, said))
    session.connect(names or None)
    results, warnings = verify.check(run)
    return results, [finding.what for finding in warnings], seen[0]


def test_the_cluster_is_the_inventorys(monkeypatch: pytest.MonkeyPatch) -> None:
    results, warnings, _ = checked(monkeypatch, MADE, told(MADE))
    assert warnings == []
    assert [(r.host, r.failed) for r in results] == [
        ("cp1", False),
        ("cp1", False),
        ("w1", False),
        ("w2", False),
    ]


def test_another_version_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    results, _, _ = checked(monkeypatch, cluster(version="1.36.3"), told(MADE))
    wrong = [r for r in results if r.failed]
    assert [r.host for r in wrong] == ["cp1"]
    assert "runs Kubernetes 1.36.2, but the inventory says 1.36.3" in wrong[0].message


def test_a_node_without_a_host_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = cluster(workers=1)
    said = told(fewer, [*nodes_of(fewer), node("w2", "10.0.0.12", "10.244.2.0/24")])
    results, warnings, seen = checked(monkeypatch, fewer, said)
    assert not any(r.failed for r in results)
    assert "w2 (Ready) that is not in the inventory" in warnings[0]
    assert [other.name for other in seen.others] == ["w2"]


def test_results_of_a_host_stand_together(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [*nodes_of(MADE)[:2], node("w2", "10.0.0.12", version="1.35.9")]
    results, _, _ = checked(monkeypatch, MADE, told(MADE, nodes))
    assert [r.host for r in results] == ["cp1", "w1", "w2", "w2"]
    assert [r.failed for r in results] == [False, False, True, False]


def test_without_the_control_plane_nothing_is_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    results, _, _ = checked(monkeypatch, MADE, told(MADE), "w1")
    assert [r.host for r in results] == ["w1"]


def ran(
    monkeypatch: pytest.MonkeyPatch, results: list[Result], lost: Iterable[str] = ()
) -> tuple[int, Memory]:
    """The phase over hosts whose checks have these results; some are lost meanwhile."""

    def hosts(
        session: PlayedSession, _cluster: Cluster, _asked: str, names: list[str]
    ) -> list[Result]:
        assert names == ["cp1", "w1", "w2"]
        for name in lost:
            session.fail(name, Finding(Kind.CONNECT, "the connection was lost", (name,)))
        return results

    monkeypatch.setattr(verify, "verify", hosts)
    run, session, memory = played_run(MADE)
    session.connect()
    return execute(run, [Phase("verify", "", verify.run)]), memory


GOOD = Result("cp1", "system.swap_is_off", "Swap is off")
BAD = Result("w1", "system.swap_is_off", "Swap is off", True, "/dev/sda2 is on", "swapoff -a")


def test_checks_that_pass_leave_the_run_good(monkeypatch: pytest.MonkeyPatch) -> None:
    code, memory = ran(monkeypatch, [GOOD, GOOD])
    assert code == 0
    assert "2 of 2 checks passed" in memory.notes


def test_a_check_that_fails_makes_the_run_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    code, memory = ran(monkeypatch, [GOOD, BAD])
    assert code == Kind.VERIFY
    [finding] = memory.errors
    assert (finding.where, finding.next) == ("w1", "swapoff -a")
    assert "/dev/sda2 is on" in finding.what
    assert "1 of 2 checks passed" in memory.notes


def test_a_host_that_is_lost_meanwhile_is_out_and_no_failed_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, memory = ran(monkeypatch, [GOOD, BAD], lost=["w1"])
    assert code == Kind.CONNECT
    assert memory.errors == []
    assert list(memory.out) == ["w1"]
