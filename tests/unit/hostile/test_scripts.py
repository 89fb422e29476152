"""Every deploy for a host that answers with shell code: nothing of it is run or names a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pyinfra.api.exceptions import PyinfraError

from kubeinstall.deploys.reset import Inputs as Reset
from kubeinstall.deploys.reset import reset
from kubeinstall.deploys.runtime.switching import Inputs as Switch
from kubeinstall.deploys.runtime.switching import switch
from kubeinstall.engine.batch import FactError
from kubeinstall.engine.connector import LiveConnector
from kubeinstall.engine.prepare import Task, gather
from kubeinstall.engine.types import HostResult, Step
from kubeinstall.facts.identity import SystemState
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations import swap
from kubeinstall.operations.files import WriteFile
from kubeinstall.run.phases import PHASES
from kubeinstall.ssh.connection import Connection
from tests.unit.addon_folders import config, folder, with_addons
from tests.unit.clusters import cluster
from tests.unit.hostile.answering import ANSWERS, HostileFacts, all_facts
from tests.unit.hostile.payloads import CANARY, WORDS
from tests.unit.hostile.shell import reached
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit

SYSTEMS = {
    "debian": SystemState("debian", "12", (), "bookworm"),
    "rocky": SystemState("rocky", "9.4", ("rhel", "centos", "fedora"), ""),
    "unknown": None,
}
COMBINED = (
    ("docker", "debian"),
    ("cri-dockerd", "rocky"),
    ("containerd", "debian"),
    ("containerd", "rocky"),
    ("addons", "unknown"),
)
SHORT = [word for word in WORDS if len(word) < 1000]


def clusters(top: Path) -> dict[str, Cluster]:
    folder(top, "own", config("settings", a="b"))
    registries = {
        "registry.example.org": {"username": "u", "password": "p", "mirrors": ["https://m"]}
    }
    runtime = {"registries": registries, "classes": {"crun": {"package": "crun"}}}
    return {
        "docker": cluster(1, "1.20.2", runtime={"name": "docker"}, firewall="open"),
        "cri-dockerd": cluster(
            1, runtime={"name": "docker", "package": "docker-ce"}, firewall="off"
        ),
        "containerd": cluster(1, runtime=runtime, selinux="permissive"),
        "addons": with_addons(top, own={}),
    }


def deployed(made: Cluster, system: SystemState | None) -> Iterator[tuple[str, list[Step[Any]]]]:
    """What is deployed on each host of a system; the cluster answers nothing."""
    run, session, _ = played_run(made)
    session.connect()
    run.systems = {host.name: system for host in made.hosts} if system else {}
    run.shared_machine_ids = {host.name: "x" for host in made.hosts}
    planned: dict[str, list[Step[Any]]] = {}
    for phase in PHASES:
        for name, steps in (phase.deploys(run) if phase.deploys else {}).items():
            planned.setdefault(name, []).extend(steps)
    for host in made.hosts:
        away = Step(reset, Reset(made, host, system, packages=True))
        other = Step(switch, Switch(made, host, system))
        yield host.name, [*planned[host.name], away, other]


def rendered(name: str, steps: list[Step[Any]], facts: HostileFacts) -> Iterator[tuple[str, str]]:
    """Each operation's name and the scripts that it would run or write."""
    connector = lambda state, host: LiveConnector(  # noqa: E731
        state, host, cast(Connection, None), 1.0, lambda: None, None
    )
    task = cast(Task, _Task(name, facts, connector))
    for one in steps:
        prepared, errors = gather(task, [one])
        known = (FactError, KubeinstallError, PyinfraError)
        assert all(isinstance(error, known) for error in errors), errors
        with prepared:
            # One that could not be prepared has a name and nothing else.
            made = prepared.state.ops[prepared.host]
            prepared.host.op_hash_order = [k for k in prepared.host.op_hash_order if k in made]
            for operation in prepared.operations:
                try:
                    for command in operation.commands():
                        yield operation.name, str(getattr(command, "get_raw_value", str)())
                        if isinstance(command, WriteFile) and (command.stdin or "").startswith(
                            "#!"
                        ):
                            yield operation.name, command.stdin or ""
                except (FactError, KubeinstallError, PyinfraError):
                    pass


class _Task:
    def __init__(self, name: str, facts: Any, connector: Any) -> None:
        self.name, self.facts, self.connector = name, facts, connector
        self.result = HostResult(name)


def test_every_fact_has_hostile_answers() -> None:
    assert set(all_facts()) == set(ANSWERS)
    assert len(ANSWERS) > 40


@pytest.mark.parametrize(("kind", "system"), COMBINED)
def test_nothing_of_a_hosts_answer_is_run(kind: str, system: str, tmp_path: Path) -> None:
    """Each word meets each kind of cluster on one of its systems, and in turn each answer."""
    own = COMBINED.index((kind, system))
    found: set[str] = set()
    scripts = 0
    for number, word in enumerate(SHORT):
        if number % len(COMBINED) != own:
            continue
        turn = number // len(COMBINED)
        planned = list(deployed(clusters(tmp_path / str(number))[kind], SYSTEMS[system]))
        name, steps = planned[turn % len(planned)]
        for operation, script in rendered(name, steps, HostileFacts(word, turn // 2)):
            scripts += 1
            found |= {f"{operation}: {fault}" for fault in reached(script, CANARY)}
    assert not found
    assert scripts > 100


def test_what_is_not_quoted_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy that trusts a fact does not get past this."""
    monkeypatch.setattr(swap, "_mask", lambda unit: f"systemctl mask {unit}")
    name, steps = next(deployed(clusters(tmp_path)["docker"], SYSTEMS["debian"]))
    scripts = rendered(name, steps, HostileFacts(f"$({CANARY})", 0))
    found = {operation for operation, script in scripts if list(reached(script, CANARY))}
    assert found == {"Turn off swap"}
