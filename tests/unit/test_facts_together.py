"""Facts that one command reads for many arguments: each is as its own command would tell it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeinstall.engine.batch import Answer
from kubeinstall.engine.bulk import Facts
from kubeinstall.engine.requests import Request
from kubeinstall.engine.together import AskMany, asks
from kubeinstall.engine.types import Output
from kubeinstall.facts.files import Exists, File
from kubeinstall.facts.flags import Flags
from kubeinstall.facts.packages import Packages
from kubeinstall.facts.services import Unit, UnitState
from tests.unit.hostile.answering import all_facts
from tests.unit.hostile.payloads import FUZZ, WORDS

pytestmark = pytest.mark.unit

UNITS = {
    "kubelet.service": "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
    "NeedDaemonReload=no\nExecMainStartTimestamp=Sat 2026-11-21 05:14:19.500000 UTC",
    "docker.service": "LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n"
    "NeedDaemonReload=yes\nExecMainStartTimestamp=",
    "none.service": "LoadState=not-found\nActiveState=inactive\nUnitFileState=",
}
"""What ``systemctl show`` prints of units."""
STARTED = 1795238059.5


class Machine:
    """This machine as a host, with a systemctl that is played; ``asked`` are its scripts."""

    def __init__(
        self, folder: Path, units: Mapping[str, str] = UNITS, *, old: bool = False
    ) -> None:
        self._folder = folder
        self.asked: list[str] = []
        self.facts = Facts(self)
        cases = "".join(f"{name}) printf '%s\\n' '{text}' ;;\n" for name, text in units.items())
        refused = "case $* in *--timestamp*) exit 1 ;; esac\n" if old else ""
        program = folder / "bin" / "systemctl"
        program.parent.mkdir()
        program.write_text(
            f'#!/bin/sh\n[ "$TZ" = UTC ] || [ "$1" != show ] || TZ=\n{refused}shift\nfirst=yes\n'
            'for one; do case $one in -*) break ;; esac; [ "$first" ] || echo; first=\n'
            f"case $one in\n{cases}esac; done\n"
        )
        program.chmod(0o755)

    def __call__(self, script: str) -> Output:
        self.asked.append(script)
        path = f"{self._folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, env={"PATH": path}, check=False
        )
        return Output(done.returncode, done.stdout, done.stderr)

    def read(self, fact: Any, *asked: Mapping[str, Any]) -> list[Any]:
        """The facts, read at once."""
        self.facts.forget()
        self.facts.read([Request.plain(fact, one) for one in asked])
        return [self.facts.value(fact, one) for one in asked]

    def singly(self, fact: Any, *asked: Mapping[str, Any]) -> list[Any]:
        """The facts, each by its own command."""
        return [fact().process(self(fact().command(**one)).stdout.splitlines()) for one in asked]


def paths(folder: Path) -> list[dict[str, Any]]:
    names = ("plain", "a b", "quo'te", "-n", "dollar$x", "back\\slash", "empty", "binary", "star*")
    for name in names:
        (folder / name).write_text("" if name == "empty" else f"{name}\nmore")
    (folder / "binary").write_bytes(bytes(range(256)) * 40)
    (folder / "plain").chmod(0o4750)
    (folder / "a b.before-kubeinstall").write_text("older")
    (folder / "link").symlink_to("plain")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "folder").mkdir()
    there = (*names, "link", "dangling", "folder")
    return [{"path": str(folder / name)} for name in ("none", *there, "none either")]


@pytest.mark.parametrize("fact", [File, Exists])
def test_files(fact: Any, tmp_path: Path) -> None:
    machine, asked = Machine(tmp_path), paths(tmp_path)
    found = machine.read(fact, *asked)
    assert len(machine.asked) == 1
    one_by_one = [fact.default() if x is None else x for x in machine.singly(fact, *asked)]
    assert found == one_by_one
    assert len({str(one) for one in found}) > 1


def test_of_files_mode_content_and_copy_are_told(tmp_path: Path) -> None:
    paths(tmp_path)
    names = ("plain", "a b", "binary")
    plain, kept, binary = Machine(tmp_path).read(
        File, *({"path": f"{tmp_path}/{n}"} for n in names)
    )
    assert (plain.mode, plain.text, plain.backed_up) == ("4750", "plain\nmore", False)
    assert (kept.text, kept.backed_up) == ("a b\nmore", True)
    assert binary.content == bytes(range(256)) * 40


def test_for_files_that_are_not_there_nothing_is_started(tmp_path: Path) -> None:
    asked = [{"path": f"{tmp_path}/{name}"} for name in "ab"]
    for fact in (File, Exists):
        [ask] = asks([Request.plain(fact, one) for one in asked])
        done = subprocess.run(
            ["/bin/sh", "-c", ask.question.script], capture_output=True, env={"PATH": "/nowhere"}
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_file_that_changes_while_it_is_read_is_read_by_itself(tmp_path: Path) -> None:
    class Growing(Machine):
        def __call__(self, script: str) -> Output:
            return super().__call__(script.replace("&& cat", "; echo more >> $1; cat"))

    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("1")
    second.write_text("2")
    machine = Growing(tmp_path)
    found = machine.read(File, {"path": str(first)}, {"path": str(second)})
    assert [file.text for file in found] == ["1more\n", "2"]
    assert machine.facts.trips == 2


def test_units(tmp_path: Path) -> None:
    (tmp_path / "old.conf").write_text("")
    (tmp_path / "new conf").write_text("")
    os.utime(tmp_path / "old.conf", (1, STARTED - 0.25))
    os.utime(tmp_path / "new conf", (1, STARTED + 0.25))
    asked: list[Mapping[str, Any]] = [
        {"unit": "kubelet.service", "configs": (f"{tmp_path}/old.conf", f"{tmp_path}/none")},
        {"unit": "docker.service", "configs": ()},
        {"unit": "none.service"},
        {"unit": "kubelet.service", "configs": (f"{tmp_path}/old.conf", f"{tmp_path}/new conf")},
    ]
    machine = Machine(tmp_path)
    found = machine.read(Unit, *asked)
    assert len(machine.asked) == 1
    assert found == machine.singly(Unit, *asked)
    current, stopped, none, outdated = found
    assert current == UnitState(
        "loaded", "active", "enabled", started=STARTED, configured=STARTED - 0.25
    )
    assert (stopped.active, stopped.stale, stopped.started) == ("inactive", True, 0.0)
    assert none == UnitState()
    assert (current.outdated, outdated.outdated) == (False, True)


def test_units_of_an_older_systemd_that_tells_no_fractions(tmp_path: Path) -> None:
    shown = {name: text.replace(".500000", "") for name, text in UNITS.items()}
    units = [{"unit": "kubelet.service"}, {"unit": "docker.service"}]
    kubelet, docker = Machine(tmp_path, shown, old=True).read(Unit, *units)
    assert (kubelet.started, docker.load) == (STARTED - 0.5, "loaded")


def test_fewer_units_than_were_asked_for_are_asked_for_by_themselves(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"kubelet.service": UNITS["kubelet.service"]})
    found = machine.read(Unit, {"unit": "b@d"}, {"unit": "kubelet.service"})
    assert [unit.load for unit in found] == ["not-found", "loaded"]


@pytest.mark.parametrize("text", ["n/a", "Sat 2026-13-41 05:14:19 UTC", "@1", "5 UTC", "0"])
def test_a_time_that_is_none(text: str) -> None:
    assert Unit().process([f"ExecMainStartTimestamp={text}"]).started == 0.0


def test_flags_of_units(tmp_path: Path) -> None:
    for name in ("docker", "kubelet", "other"):
        (tmp_path / name).write_text(f"PASSWORD=hunter2\n{name.upper()}_OPTS=--of={name} \\\n -x\n")
    argv = "ExecStart={{ path=/x ; argv[]=/x ${} ; }}"
    listed = f"EnvironmentFiles={tmp_path}/docker (ignore_errors=yes)"
    machine = Machine(
        tmp_path,
        {
            "docker.service": f"LoadState=loaded\n{argv.format('DOCKER_OPTS')}\n{listed}",
            "kubelet.service": "LoadState=not-found",
        },
    )
    asked: list[Mapping[str, Any]] = [
        {"unit": "docker.service", "files": (f"{tmp_path}/other",), "usual": "x"},
        {"unit": "kubelet.service", "files": (f"{tmp_path}/kubelet",), "usual": "k $KUBELET_OPTS"},
    ]
    docker, kubelet = found = machine.read(Flags, *asked)
    assert len(machine.asked) == 1
    assert found == machine.singly(Flags, *asked)
    assert [str(flag) for flag in docker.flags] == ["--of=docker", "-x=true"]
    assert [str(flag) for flag in kubelet.flags] == ["--of=kubelet", "-x=true"]
    assert docker.flags[0].holder == f"DOCKER_OPTS in {tmp_path}/docker"
    assert "hunter2" not in machine(Flags.together(asked)).stdout


def test_packages(tmp_path: Path) -> None:
    asked: list[Mapping[str, Any]] = [
        {"names": ("dpkg", "no-such")},
        {"names": ("bash", "dpkg")},
        {"names": ("no-such",)},
    ]
    machine = Machine(tmp_path)
    found = machine.read(Packages, *asked)
    assert found == machine.singly(Packages, *asked)
    assert [set(one) for one in found] == [{"dpkg"}, {"bash", "dpkg"}, set()]


MANY: list[Any] = [fact for fact in all_facts() if hasattr(fact, "together")]
ASKED: dict[Any, list[Mapping[str, Any]]] = {
    File: [{"path": "/a"}, {"path": "/b"}],
    Exists: [{"path": "/a"}, {"path": "/b"}],
    Unit: [{"unit": "a", "configs": ("/x",)}, {"unit": "b"}],
    Flags: [{"unit": "a", "files": ("/x",), "usual": "a"}, {"unit": "b", "files": (), "usual": ""}],
    Packages: [{"names": ("a",)}, {"names": ("b", "a")}],
}
LINES = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(["-", "yes", "no", "", "644 1", "644 9", "eA==", "Config=1 /x", "a 1 x y"]),
        st.sampled_from(WORDS[:-1]),
        st.builds("{} {}".format, st.sampled_from(WORDS[:-1]), st.integers()),
    ),
    max_size=9,
)


@pytest.mark.parametrize("fact", MANY, ids=lambda fact: fact.name)
@FUZZ
@given(lines=LINES)
def test_an_answer_of_anything_is_parted_or_refused(fact: Any, lines: list[str]) -> None:
    requests = [Request.plain(fact, one) for one in ASKED[fact]]
    shared = AskMany(fact, requests).share(Answer(0, tuple(lines)))
    assert set(shared) in (set(), set(requests))
    for request, answer in shared.items():
        assert all("\n" not in line for line in answer.lines)
        request.value(answer)
