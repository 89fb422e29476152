"""Every deploy for a host that answers with shell code: nothing of it is run or names a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pyinfra.api.exceptions import PyinfraError

from kubeinstall.deploys.reset import reset
from kubeinstall.deploys.runtime.switching import switch
from kubeinstall.engine.bulk import FactError
from kubeinstall.engine.connector import LiveConnector
from kubeinstall.engine.prepare import Task, gather
from kubeinstall.engine.types import Deploy, HostResult
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


def deployed(made: Cluster) -> Iterator[tuple[str, dict[str, Any], list[Deploy]]]:
    """What each host's deploys are, and what they are handed; the cluster answers nothing."""
    run, session, _ = played_run(made)
    session.connect()
    planned: dict[str, list[Deploy]] = {}
    for phase in PHASES:
        for name, deploys in (phase.deploys(run) if phase.deploys else {}).items():
            planned.setdefault(name, []).extend(deploys)
    for host in made.hosts:
        data = {"cluster": made, "node": host, **session._data.get(host.name, {})}
        extra = {"reset_packages": True, "shared_machine_id": "x"}
        yield host.name, {**data, **extra}, [*planned[host.name], reset, switch]


def rendered(
    name: str, data: dict[str, Any], deploys: list[Deploy], facts: HostileFacts
) -> Iterator[tuple[str, str]]:
    """Each operation's name and the scripts that it would run or write."""
    connector = lambda state, host: LiveConnector(  # noqa: E731
        state, host, cast(Connection, None), 1.0, lambda: None, None
    )
    task = cast(Task, _Task(name, data, facts, connector))
    for one in deploys:
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
    def __init__(self, name: str, data: Any, facts: Any, connector: Any) -> None:
        self.name, self.data, self.facts, self.connector = name, data, facts, connector
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
        planned = list(deployed(clusters(tmp_path / str(number))[kind]))
        name, data, deploys = planned[turn % len(planned)]
        if known := SYSTEMS[system]:
            data["system"] = known
        for operation, script in rendered(name, data, deploys, HostileFacts(word, turn // 2)):
            scripts += 1
            found |= {f"{operation}: {fault}" for fault in reached(script, CANARY)}
    assert not found
    assert scripts > 100


def test_what_is_not_quoted_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy that trusts a fact does not get past this."""
    monkeypatch.setattr(swap, "_mask", lambda unit: f"systemctl mask {unit}")
    name, data, deploys = next(deployed(clusters(tmp_path)["docker"]))
    data["system"] = SYSTEMS["debian"]
    scripts = rendered(name, data, deploys, HostileFacts(f"$({CANARY})", 0))
    found = {operation for operation, script in scripts if list(reached(script, CANARY))}
    assert found == {"Turn off swap"}
