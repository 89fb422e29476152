"""Packages of later phases are installed by the first phase that installs any."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from kubeinstall.deploys import hosts, runtime
from kubeinstall.deploys.inputs import Later, SystemInputs
from kubeinstall.facts.packages import Available, Packages, PackageState
from kubeinstall.families.debian import DEBIAN
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.packages import installed
from kubeinstall.phases import hosts as hosts_phase
from kubeinstall.phases import packages as packages_phase
from kubeinstall.phases import runtime as runtime_phase
from kubeinstall.phases.phase import Phase, Run
from kubeinstall.run.runner import execute
from tests.unit.clusters import cluster
from tests.unit.operating import commands as yielded
from tests.unit.operating import run, texts
from tests.unit.played_session import played_run
from tests.unit.recorded import RECORDINGS, commands, recording

pytestmark = pytest.mark.unit

BOTH = frozenset(Later)
KEY = (RECORDINGS / "key.asc").read_text()
TOGETHER = "Install chrony and packages of later phases"
WAIT = "Wait for the clock to synchronize"
SOURCE = "Configure the package source of Kubernetes"
TOOLS = "conntrack ebtables ethtool iptables socat"
KUBERNETES = "'kubelet=1.36.2-*' 'kubeadm=1.36.2-*' 'kubectl=1.36.2-*'"


@pytest.fixture
def made(tmp_path: Path) -> Cluster:
    key = tmp_path / "key.asc"
    key.write_text(KEY)
    return cluster(version="1.36.2", packages={"key": key})


def prepared(
    made: Cluster,
    later: Iterable[Later] = BOTH,
    *,
    answers: Mapping[re.Pattern[str], str] | None = None,
    clock_is_off: bool = False,
    clock_awaited: bool = False,
    name: str = "debian-12",
) -> dict[str, list[str]]:
    """What the operations of the hosts phase would run."""
    inputs = hosts.Inputs(
        made,
        made.first,
        later=frozenset(later),
        clock_is_off=clock_is_off,
        clock_awaited=clock_awaited,
    )
    return commands(
        {**(answers or {}), **recording(name)}, made, lambda: hosts.prepare(inputs=inputs)
    )


def first_try(lines: list[str]) -> str:
    """The packages of the first transaction."""
    found = re.search(r" install --no-install-recommends \S+ \S+ (.*?)( &&|$)", lines[-1], re.M)
    assert found
    return found[1]


def test_all_packages_are_installed_at_once_once_their_sources_are_there(made: Cluster) -> None:
    ran = prepared(made)
    assert first_try(ran[TOGETHER]) == f"chrony containerd {TOOLS} {KUBERNETES}"
    names = list(ran)
    assert names.index(SOURCE) < names.index(TOGETHER)
    kept = names.index(f"Write {DEBIAN.upgrade_files[0].path}")
    assert kept < names.index(TOGETHER)


@pytest.mark.parametrize(
    ("later", "along"),
    [([Later.RUNTIME], "chrony containerd"), ([Later.PACKAGES], f"chrony {TOOLS} {KUBERNETES}")],
)
def test_only_phases_of_the_run_are_taken_along(
    made: Cluster, later: list[Later], along: str
) -> None:
    ran = prepared(made, later)
    assert first_try(ran[TOGETHER]) == along
    assert (SOURCE in ran) is (Later.PACKAGES in later)


@pytest.mark.parametrize("name", ["kubelet", "kubernetes-cni", "docker-ce", "containerd"])
def test_a_host_that_is_not_fresh_gets_them_phase_by_phase(made: Cluster, name: str) -> None:
    there = {re.compile("dpkg-query -W .* kubernetes-cni "): f"{name} 1 install installed"}
    ran = prepared(made, answers=there)
    assert first_try(ran["Install chrony"]) == "chrony"
    assert SOURCE not in ran


def test_what_a_runtime_brings_with_it(made: Cluster) -> None:
    key = {"key": made.spec.packages.key}
    crun = {"crun": {"package": "crun", "binary": "/usr/bin/crun"}}
    classes = cluster(version="1.36.2", packages=key, runtime={"classes": crun})
    assert first_try(prepared(classes, [Later.RUNTIME])[TOGETHER]) == "chrony containerd crun"
    dockers = cluster(version="1.36.2", packages=key, runtime={"package": "containerd.io"})
    ran = prepared(dockers, [Later.RUNTIME])
    assert first_try(ran[TOGETHER]) == "chrony containerd.io"
    names = list(ran)
    assert names.index("Configure the package source of Docker") < names.index(TOGETHER)


def test_a_runtime_of_a_name_of_its_own_is_looked_for_too(made: Cluster) -> None:
    own = cluster(
        version="1.36.2",
        packages={"key": made.spec.packages.key},
        runtime={"package": "moby-containerd"},
    )
    there = {re.compile("dpkg-query -W .* moby-containerd "): "moby-containerd 1 install installed"}
    assert first_try(prepared(own)[TOGETHER]).startswith("chrony moby-containerd ")
    assert first_try(prepared(own, answers=there)["Install chrony"]) == "chrony"


def test_a_clock_that_is_off_is_corrected_before_sources_are_used(made: Cluster) -> None:
    ran = prepared(made, clock_is_off=True, clock_awaited=True)
    assert first_try(ran["Install chrony"]) == "chrony"
    assert SOURCE not in ran
    assert WAIT in ran
    assert WAIT not in prepared(made)


@pytest.mark.parametrize(
    ("names", "off", "awaited"),
    [
        (["hosts", "images"], frozenset({"w1"}), False),
        (["hosts", "images"], frozenset({"cp1"}), True),
        (["hosts", "runtime", "packages"], frozenset(), True),
    ],
)
def test_the_clock_is_awaited_as_late_as_possible(
    names: list[str], off: frozenset[str], awaited: bool
) -> None:
    ran, session, _ = played_run(cluster())
    session.connect()
    ran.phases, ran.clocks_off = frozenset(names), off
    (step,) = hosts_phase.deploys(ran)["cp1"]
    assert step.inputs.clock_awaited is awaited
    assert step.inputs.clock_is_off is ("cp1" in off)


def test_the_runtime_takes_along_what_is_left(made: Cluster) -> None:
    inputs = SystemInputs(made, made.first, later=frozenset({Later.PACKAGES}))
    ran = commands(recording("ubuntu-26.04"), made, lambda: runtime.install(inputs=inputs))
    title = "Install containerd and packages of later phases"
    assert first_try(ran[title]) == f"containerd conntrack ebtables socat {KUBERNETES}"


def test_archives_are_left_to_their_phases() -> None:
    archive = {"sha256": "a" * 64, "url": "https://mirror.example.org/it.tar.gz"}
    own = cluster(version="1.36.2", packages={"archive": archive}, runtime={"archive": archive})
    ran = prepared(own)
    assert first_try(ran[TOGETHER]) == f"chrony {TOOLS}"
    assert SOURCE not in ran


def test_dnf_installs_phase_by_phase(made: Cluster) -> None:
    ran = prepared(made, name="rocky-9")
    assert TOGETHER not in ran
    assert SOURCE not in ran


@pytest.mark.parametrize(
    ("dry", "names", "later"),
    [
        (False, ("hosts", "runtime", "packages"), {Later.RUNTIME, Later.PACKAGES}),
        (False, ("hosts", "packages"), {Later.PACKAGES}),
        (False, ("hosts",), set()),
        (True, ("hosts", "runtime", "packages"), set()),
    ],
)
def test_phases_know_what_is_still_to_come(
    dry: bool, names: tuple[str, ...], later: set[Later]
) -> None:
    ran, session, _ = played_run(cluster(), dry=dry)
    session.connect()
    modules = {"hosts": hosts_phase, "runtime": runtime_phase, "packages": packages_phase}
    handed: dict[str, frozenset[Later]] = {}

    def look(run: Run) -> None:
        (step,) = modules[run.phase].deploys(run)["cp1"]
        handed[run.phase] = step.inputs.later

    assert execute(ran, [Phase(name, name, look) for name in names]) == 0
    expected = {"hosts": later, "runtime": later - {Later.RUNTIME}, "packages": set()}
    assert handed == {name: expected[name] for name in names}


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    """A folder of stand-ins for apt and systemctl; what they are called with is in ``calls``."""
    for name, body in {
        "apt-cache": "printf ' chrony | 4.3-2 | x Packages\\n'\n",
        "apt-get": f'echo "offline=$SYSTEMD_OFFLINE $*" >> {tmp_path}/calls\n'
        '[ "$SYSTEMD_OFFLINE" ] && exit "$FAILS"; exit 0\n',
        "systemctl": f'echo "systemctl $*" >> {tmp_path}/calls\n',
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}")
        program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("fails", [0, 1])
def test_where_it_fails_only_what_is_wanted_is_installed(
    monkeypatch: pytest.MonkeyPatch, apt: Path, fails: int
) -> None:
    facts = {
        Available: {"chrony": ("4.3-2",), "docker.io": ("20.10",)},
        Packages: {"socat": PackageState("1.7")},
    }
    along = (("docker.io", ""), ("socat", ""))
    (script,) = texts(yielded(monkeypatch, installed, facts, wanted=(("chrony", ""),), along=along))
    run(script, env={"PATH": f"{apt}:{os.environ['PATH']}", "FAILS": str(fails)})
    calls = (apt / "calls").read_text().splitlines()
    assert calls[0].startswith("offline=1 ")
    assert calls[0].endswith(" chrony docker.io")
    if fails:
        # Started as usual: no other phase is there to start what is installed here.
        assert calls[1].startswith("offline= ")
        assert calls[1].endswith(" chrony")
    else:
        assert calls[1:] == ["systemctl daemon-reload"]


def test_what_comes_along_is_looked_for_in_the_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Available: {"chrony": ("4.3-2",)}}
    lines = texts(
        yielded(monkeypatch, installed, facts, wanted=(("chrony", ""),), along=(("kubelet", ""),))
    )
    assert [" update " in line for line in lines] == [True, True]
    assert " install " not in lines[0]


def test_nothing_is_installed_for_what_comes_along_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Packages: {"chrony": PackageState("4.3-2")}}
    found = yielded(
        monkeypatch, installed, facts, wanted=(("chrony", ""),), along=(("docker.io", ""),)
    )
    assert found == []
