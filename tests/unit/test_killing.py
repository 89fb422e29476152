"""The test of kill -9 knows from what a run printed whether a phase was running."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests import killing

pytestmark = pytest.mark.unit

WHOLE = """\
warning: something
phase connect: Connect to the hosts
  2 connected
  0.4 s, 0 changes
phase hosts: Prepare the hosts
  w1: changed: Something (0.1 s)
  1.2 s, 1 change
"""


@pytest.mark.parametrize(
    ("lines", "began", "ended"),
    [(1, False, False), (2, True, False), (3, True, False), (4, True, True)],
)
def test_a_phase_runs_from_its_heading_to_its_time(lines: int, began: bool, ended: bool) -> None:
    said = killing.Output("".join(WHOLE.splitlines(keepends=True)[:lines]))
    assert (said.began("connect"), said.ended("connect")) == (began, ended)
    assert not said.began("hosts")
    assert not said.ended("hosts")


def test_one_change_ends_a_phase_too() -> None:
    assert killing.Output(WHOLE).ended("hosts")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of kubeinstall: two phases, of which the second takes 0.3 s."""
    (tmp_path / "kubeinstall").mkdir()
    (tmp_path / "kubeinstall" / "__init__.py").touch()
    (tmp_path / "kubeinstall" / "__main__.py").write_text(
        "import time\n"
        "print('phase connect: Connect\\n  0.0 s, 0 changes\\nphase hosts: Prepare', flush=True)\n"
        "time.sleep(0.3)\n"
        "print('  0.3 s, 2 changes\\nphase runtime: Install', flush=True)\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(killing, "REPO", tmp_path)
    return tmp_path / "log"


def test_it_is_killed_while_the_phase_runs(program: Path) -> None:
    """Though the first moments are beyond the phase's end."""
    for seed in range(3):
        after = killing.kill_within("hosts", [], program, random.Random(seed))
        assert after < 1
        said = killing.Output(program.read_text())
        assert said.began("hosts")
        assert not said.ended("hosts")


def test_a_phase_of_milliseconds_is_met_too(program: Path) -> None:
    main = program.parent / "kubeinstall" / "__main__.py"
    main.write_text(main.read_text().replace("sleep(0.3)", "sleep(0.01)"))
    for seed in range(3):
        killing.kill_within("hosts", [], program, random.Random(seed))
        assert not killing.Output(program.read_text()).ended("hosts")


def test_a_phase_that_is_always_over_is_an_error(program: Path) -> None:
    with pytest.raises(AssertionError, match="connect was over before each kill"):
        killing.kill_within("connect", [], program, random.Random(1))


def test_a_phase_that_does_not_come_is_an_error(program: Path) -> None:
    main = program.parent / "kubeinstall" / "__main__.py"
    main.write_text("print('phase connect: Connect')")
    with pytest.raises(AssertionError, match="hosts did not begin"):
        killing.kill_within("hosts", [], program, random.Random(1))


def test_a_seed_repeats_the_moments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(killing.SEED, "7")
    first = [killing.chance().random() for _ in range(2)]
    assert first[0] == first[1]
    monkeypatch.delenv(killing.SEED)
    killing.chance()
    assert capsys.readouterr().out.splitlines()[0] == f"{killing.SEED}=7"
