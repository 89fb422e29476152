"""What a whole run decides: which tests may run beside which, in what order, and what fails it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import REPO
from tests.whole import ORDER, Took, allowed, group, rank, table

pytestmark = pytest.mark.unit

TESTS = REPO / "tests"
FILES = [path for top in ("host", "cluster") for path in (TESTS / top).rglob("test_*.py")]


def group_of(path: Path) -> str:
    return group(f"{path.relative_to(REPO)}::test_some[a::b]")


def names() -> set[str]:
    return {group_of(path) for path in FILES}


def test_files_on_one_lab_are_one_group() -> None:
    docker = TESTS / "cluster" / "docker"
    assert group_of(docker / "test_settings.py") == group_of(docker / "test_cluster.py")
    host = TESTS / "host"
    assert group_of(host / "test_engine_ssh.py") == group_of(host / "test_engine_backend.py")
    assert group_of(host / "test_lab.py") == "host/test_lab"
    assert group_of(TESTS / "unit" / "test_whole.py") == ""


def test_no_two_groups_have_a_network_in_common() -> None:
    """They run at the same time."""
    used: dict[str, set[str]] = {}
    for path in FILES:
        for network in re.findall(r"\b10\.[89]\d\.\d+", path.read_text()):
            used.setdefault(network, set()).add(group_of(path))
    assert len(used) > 20
    assert {network: found for network, found in used.items() if len(found) > 1} == {}


def test_the_order_names_groups_that_there_are() -> None:
    assert set(ORDER) <= names()
    assert sorted(names() | {""}, key=rank)[: len(ORDER) + 1] == ["", *ORDER]


def test_the_table_has_groups_as_they_began_and_long_tests() -> None:
    one, two, unit = (f"tests/{name}" for name in ("host/one.py", "host/two.py", "unit/c.py"))
    parts = [
        Took(f"{two}::late[x@y]", 170.0, 30.0),
        Took(f"{one}::setup", 100.0, 50.0),
        Took(f"{one}::setup", 150.0, 12.5),
        Took(f"{one}::short", 162.5, 0.5),
        Took(f"{unit}::unit", 100.0, 0.1),
    ]
    assert list(table(parts)) == [
        "   63.0 s  host/one, from 0:00 to 1:03",
        "     62.5 s  tests/host/one.py::setup",
        "    0.1 s  without a lab, from 0:00 to 0:00",
        "   30.0 s  host/two, from 1:10 to 1:40",
        "     30.0 s  tests/host/two.py::late[x@y]",
    ]
    assert list(table([])) == []


def test_only_what_a_machine_lacks_may_be_skipped() -> None:
    assert allowed("('test_lab.py', 308, 'Skipped: this machine has no cgroup v1')")
    assert not allowed("('test_lab.py', 308, 'Skipped: later')")


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """pytest on the tests in a folder."""
    argv = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "tests.whole"]
    return subprocess.run(
        [*argv, f"--rootdir={folder}", *options, str(folder)],
        env={**os.environ, "PYTHONPATH": str(REPO), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_group_has_one_worker_at_a_time(tmp_path: Path) -> None:
    """Those of a group run one after the other, in the process that has the lab."""
    folder = tmp_path / "tests" / "host"
    folder.mkdir(parents=True)
    (tmp_path / "pytest.ini").touch()
    log = tmp_path / "log"
    for name in ("test_one", "test_two", "test_engine_a", "test_engine_b"):
        (folder / f"{name}.py").write_text(
            "import os, pytest\n"
            "@pytest.mark.parametrize('number', range(4))\n"
            "def test_some(number):\n"
            f"    with open({str(log)!r}, 'a') as log: print({name!r}, os.getpid(), file=log)\n"
        )
    ran = run(tmp_path, "-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder")
    assert ran.returncode == 0, ran.stdout
    pids: dict[str, set[str]] = {}
    for line in log.read_text().splitlines():
        name, pid = line.split()
        pids.setdefault(group(f"tests/host/{name}.py"), set()).add(pid)
    assert {name: len(found) for name, found in pids.items()} == {
        "host/engine": 1,
        "host/test_one": 1,
        "host/test_two": 1,
    }
    assert len(set.union(*pids.values())) == 2


@pytest.mark.parametrize(
    ("why", "code", "workers"),
    [("later", 1, "1"), ("later", 1, "0"), ("this machine has no cgroup v1", 0, "1")],
)
def test_what_is_skipped_fails_the_run(tmp_path: Path, why: str, code: int, workers: str) -> None:
    path = tmp_path / "test_some.py"
    path.write_text(f"import pytest\ndef test_one(): pytest.skip({why!r})\ndef test_two(): pass\n")
    kept = tmp_path / "logs" / "seconds.txt"
    ran = run(tmp_path, "-n", workers, f"--seconds-to={kept}")
    assert ran.returncode == code, ran.stdout
    assert "without a lab, from 0:00" in kept.read_text()
    assert kept.read_text() in ran.stdout
