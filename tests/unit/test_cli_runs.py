"""Commands that reach hosts, from their options to their exit code, over played hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from click.testing import Result as Ended

from kubeinstall.cli import plan, reset, running, status, up, verify
from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases import verify as phases_verify
from kubeinstall.report import door
from kubeinstall.report.reporter import Silent
from kubeinstall.verify.check import Result
from tests.unit.clusters import cluster
from tests.unit.played_cluster import answering, nodes_of, told
from tests.unit.played_session import PlayedSession

pytestmark = pytest.mark.unit

INVENTORY = """\
cluster: {kubernetes: 1.36.2}
groups:
  control_plane: {hosts: {cp1: {address: 10.0.0.10}}}
  workers: {hosts: {w1: {address: 10.0.0.11}, w2: {address: 10.0.0.12}}}
"""
SOURCE = "kubernetes"
"""In the paths of the files that say where packages come from."""


class Program:
    """kubeinstall, on hosts that are a cluster as the inventory says.

    Their facts are those of hosts on which nothing is prepared.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.session: PlayedSession
        """The one of the last call."""
        self.fails: dict[str, str] = {}
        self.unreachable: list[str] = []
        self._inventory = folder / "kubeinstall.yaml"
        self._inventory.write_text(INVENTORY)
        self.nodes = nodes_of(cluster())

        def session(made: Cluster, **arguments: Any) -> PlayedSession:
            self.session = PlayedSession(
                made,
                answer=self._answered,
                fails=self.fails,
                unreachable=self.unreachable,
                **arguments,
            )
            return self.session

        monkeypatch.setattr(running, "Session", session)

    def __call__(self, command: click.Command, *arguments: str, **more: Any) -> Ended:
        words = ["-i", str(self._inventory), *arguments]
        return CliRunner().invoke(command, words, standalone_mode=False, **more)

    def _answered(self, host: str, command: str) -> Output:
        if command.endswith("$kubectl get nodes -o json"):
            return Output(0, '{"items": []}', "")
        if "echo kubeadm" in command:
            return Output(0, "kubeadm\npackage:kubeadm\n", "")
        if command.startswith("if [ -e ") and SOURCE in command:
            return Output(0, "yes\n", "")
        return answering(cluster(), told(cluster(), self.nodes))(host, command)


@pytest.fixture
def kubeinstall(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    return Program(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "tried"),
    [
        (("--only", "smoke"), True),
        (("--only", "connect,smoke"), True),
        (("--from", "smoke", "--until", "smoke"), False),
        (("--from", "smoke", "--until", "smoke", "--smoke"), True),
        (("--from", "smoke", "--until", "smoke", "--no-smoke"), False),
    ],
)
def test_who_asks_for_the_smoke_test_alone_gets_it(
    kubeinstall: Program, arguments: tuple[str, ...], tried: bool
) -> None:
    """Though nothing was changed; here it ends early, for there is no node for its app."""
    result = kubeinstall(up.command, *arguments)
    assert result.exception is None
    assert result.return_value == (Kind.CLUSTER if tried else 0), result.output
    assert ("no node accepts pods" in result.output) is tried


HOSTS = ("--only", "hosts")


def test_up_changes_hosts_and_ends_with_the_first_failures_code(kubeinstall: Program) -> None:
    assert kubeinstall(up.command, *HOSTS).return_value == 0
    assert {host for host, _ in kubeinstall.session.did} == {"cp1", "w1", "w2"}
    assert kubeinstall.session.locked
    kubeinstall.fails = {"w1": "hosts"}
    result = kubeinstall(up.command, *HOSTS)
    assert result.return_value == Kind.OPERATION
    assert "w1: failed" in result.output


def test_up_changes_no_host_beside_the_limit(kubeinstall: Program) -> None:
    assert kubeinstall(up.command, *HOSTS, "--limit", "w1").return_value == 0
    assert {host for host, _ in kubeinstall.session.did} == {"w1"}


def test_a_plan_changes_nothing_takes_no_lock_and_has_a_code_for_changes(
    kubeinstall: Program,
) -> None:
    result = kubeinstall(plan.command, *HOSTS)
    assert result.return_value == plan.CHANGES
    assert "would change" in result.output
    assert kubeinstall.session.did == []
    assert not kubeinstall.session.locked
    assert kubeinstall(plan.command, "--only", "connect").return_value == 0
    kubeinstall.unreachable = ["w2"]
    assert kubeinstall(plan.command, *HOSTS).return_value == Kind.CONNECT


def test_a_plan_as_json_has_what_each_host_would_change(kubeinstall: Program) -> None:
    result = kubeinstall(plan.command, *HOSTS, "--json")
    assert result.return_value == plan.CHANGES
    assert {one["host"] for one in events_of(json.loads(result.stdout))} == {"cp1", "w1", "w2"}


def events_of(document: Any) -> list[dict[str, Any]]:
    """All records with a host and an operation in a document."""
    if isinstance(document, list):
        return [one for each in document for one in events_of(each)]
    if not isinstance(document, dict):
        return []
    if {"host", "operation"} <= document.keys():
        return [document]
    return [one for each in document.values() for one in events_of(each)]


def test_every_operation_is_in_the_events_file(kubeinstall: Program, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert kubeinstall(up.command, *HOSTS, "--events", str(path)).return_value == 0
    found = [json.loads(line) for line in path.read_text().splitlines()]
    ended = [one for one in found if one.get("phase") == "hosts"]
    assert {one["host"] for one in ended} == {"cp1", "w1", "w2"}
    assert any(one["changed"] for one in ended)


@pytest.mark.parametrize(("said", "sets_up"), [("y\n", True), ("n\n", False)])
def test_who_sits_at_a_terminal_is_asked(
    kubeinstall: Program, monkeypatch: pytest.MonkeyPatch, said: str, sets_up: bool
) -> None:
    monkeypatch.setattr(door, "interactive", lambda: True)
    result = kubeinstall(up.command, *HOSTS, input=said)
    assert "w1  root@10.0.0.11  worker" in result.output
    assert hasattr(kubeinstall, "session") is sets_up
    assert isinstance(result.exception, click.Abort) is not sets_up
    assert "w1  root@10.0.0.11" not in kubeinstall(up.command, *HOSTS, "-y").output


@pytest.mark.parametrize("given", [True, False])
def test_a_reset_takes_the_packages_if_it_is_told_to(kubeinstall: Program, given: bool) -> None:
    result = kubeinstall(reset.command, "-y", *(["--packages"] if given else []))
    assert result.return_value == 0, result.output
    removed = {host for host, c in kubeinstall.session.did if c.startswith("rm -f") and SOURCE in c}
    assert removed == ({"cp1", "w1", "w2"} if given else set())
    assert any("kubeadm reset" in command for _, command in kubeinstall.session.did)


def test_a_reset_without_a_terminal_needs_a_yes(kubeinstall: Program) -> None:
    result = kubeinstall(reset.command)
    assert isinstance(result.exception, click.UsageError)
    assert not hasattr(kubeinstall, "session")


def test_a_run_has_what_was_asked_for() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "Session", PlayedSession)
        reporter = Silent()
        with running.running(
            cluster(), reporter, limit=("w1,w2",), dry=True, smoke=False, abandoned=("disks",)
        ) as run:
            assert run.limit == frozenset({"w1", "w2"})
            assert (run.dry, run.smoke, run.abandoned) == (True, False, frozenset({"disks"}))


def test_status_tells_of_nodes_that_are_missing_or_not_ready(kubeinstall: Program) -> None:
    result = kubeinstall(status.command)
    assert result.return_value == 0, result.output
    kubeinstall.nodes = [n for n in nodes_of(cluster()) if n["metadata"]["name"] != "w2"]
    assert kubeinstall(status.command).return_value == Kind.CLUSTER
    assert kubeinstall(status.command, "--limit", "w1").return_value == 0
    kubeinstall.unreachable = ["w1"]
    assert kubeinstall(status.command, "--limit", "w1").return_value == Kind.CONNECT


@pytest.mark.parametrize("bad", [False, True])
def test_verify_ends_with_the_code_of_what_is_wrong(
    kubeinstall: Program, monkeypatch: pytest.MonkeyPatch, bad: bool
) -> None:
    checked: list[str] = []

    def checks(session: PlayedSession, made: Cluster, asked: str, names: list[str]) -> list[Result]:
        del session, made, asked
        checked.extend(names)
        return [Result(name, "system.swap_is_off", "Swap is off", bad) for name in names]

    monkeypatch.setattr(phases_verify, "verify", checks)
    assert kubeinstall(verify.command).return_value == (Kind.VERIFY if bad else 0)
    assert checked == ["cp1", "w1", "w2"]
    assert kubeinstall.session.did == []
    checked.clear()
    kubeinstall.unreachable = ["w2"]
    code = kubeinstall(verify.command, "--limit", "w1,w2").return_value
    assert code == (Kind.VERIFY if bad else Kind.CONNECT)
    assert checked == ["w1"]


@pytest.mark.parametrize(
    ("phase", "words"), [("images", "imageRepository: "), ("packages", "kubeadm=1.36.2")]
)
def test_each_phase_of_the_hosts_reaches_all_of_them(
    kubeinstall: Program, phase: str, words: str
) -> None:
    assert kubeinstall(up.command, "--only", phase).return_value == 0
    assert {h for h, c in kubeinstall.session.did if words in c} == {"cp1", "w1", "w2"}
    assert kubeinstall(up.command, "--only", phase, "--limit", "w1").return_value == 0
    assert {h for h, c in kubeinstall.session.did if words in c} == {"w1"}
