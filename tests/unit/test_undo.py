"""A service that does not start with a new file gets its old one back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.operations import undo
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.operations.kubelet import restart
from kubeinstall.operations.services import running
from tests.unit.operating import commands, run, texts

pytestmark = pytest.mark.unit

# It "starts" where the file it reads holds no "bad"; each start is noted.
SYSTEMCTL = """\
#!/bin/sh
case $* in
  *restart*|*start*) echo "$*" >> {calls}; ! grep -q bad {file} 2>/dev/null ;;
esac
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stand-ins for systemctl and journalctl, where old files are set aside too."""
    monkeypatch.setattr(undo, "FOLDER", str(tmp_path / "undo"))
    programs = {
        "systemctl": SYSTEMCTL.format(calls=tmp_path / "calls", file=tmp_path / "conf"),
        "journalctl": "#!/bin/sh\necho 'its own words'\n",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def shell(place: Path, script: str, stdin: str = "") -> str:
    return run(script, stdin, env={"PATH": f"{place}:{os.environ['PATH']}"})


def write(place: Path, text: str, **more: Any) -> None:
    command = WriteFile(str(place / "conf"), text, "644", holds=Holds.PUBLIC, **more)
    shell(place, command.get_raw_value(), text)


def start(monkeypatch: pytest.MonkeyPatch, place: Path) -> str:
    facts = {Unit: UnitState("loaded", "active", "enabled", started=1.0, configured=2.0)}
    configs = (str(place / "conf"),)
    (text,) = texts(commands(monkeypatch, running, facts, unit="x.service", configs=configs))
    return shell(place, text)


def aside(place: Path) -> list[str]:
    return sorted(path.name for path in (place / "undo").iterdir())


def test_the_old_file_comes_back(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    (place / "conf").write_text("good")
    (place / "conf").chmod(0o640)
    write(place, "bad", undo=True)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        start(monkeypatch, place)
    assert (place / "conf").read_text() == "good"
    assert (place / "conf").stat().st_mode & 0o777 == 0o640
    assert f"x.service does not start with the new {place}/conf" in caught.value.stderr
    assert "was restored, and it runs again" in caught.value.stderr
    assert "its own words" in caught.value.stderr
    assert (place / "calls").read_text().splitlines() == ["restart x.service"] * 2
    assert aside(place) == []


def test_where_there_was_none_there_is_none(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    write(place, "bad", undo=True)
    with pytest.raises(subprocess.CalledProcessError):
        start(monkeypatch, place)
    assert not (place / "conf").exists()
    assert aside(place) == []


def test_a_file_that_works_is_not_undone(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    (place / "conf").write_text("old")
    write(place, "new", undo=True)
    assert oct((place / "undo").stat().st_mode)[-3:] == "700"
    start(monkeypatch, place)
    assert (place / "conf").read_text() == "new"
    assert aside(place) == []
    # A failure for another reason later undoes nothing.
    (place / "conf").write_text("bad")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        start(monkeypatch, place)
    assert "is back" not in caught.value.stderr
    assert (place / "conf").read_text() == "bad"


def test_a_killed_run_keeps_the_last_file_that_worked(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    (place / "conf").write_text("good")
    write(place, "bad one", undo=True)
    write(place, "bad two", undo=True)
    with pytest.raises(subprocess.CalledProcessError):
        start(monkeypatch, place)
    assert (place / "conf").read_text() == "good"


def test_one_that_does_not_start_either_way_is_reported(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    (place / "conf").write_text("bad before")
    write(place, "bad", undo=True)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        start(monkeypatch, place)
    assert "but it does not start with that either" in caught.value.stderr


def test_a_check_comes_before_the_file_is_replaced(place: Path) -> None:
    (place / "conf").write_text("good")
    check = "grep -q fine \"$tmp\" || { echo 'no use' >&2; false; }"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        write(place, "bad", check=check)
    assert "no use" in caught.value.stderr
    assert (place / "conf").read_text() == "good"
    write(place, "fine", check=check)
    assert (place / "conf").read_text() == "fine"


def test_a_proof_comes_afterwards_and_undoes(place: Path) -> None:
    proof = f"grep fine {place}/conf || echo 'E: conflicting' >&2; grep -q fine {place}/conf"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        write(place, "bad", proof=f"sh -c '{proof.replace(chr(39), chr(34))}'")
    assert "conflicting" in caught.value.stderr
    assert not (place / "conf").exists()
    assert aside(place) == []
    write(place, "fine", proof=f"sh -c 'grep -q fine {place}/conf'")
    assert (place / "conf").read_text() == "fine"
    assert aside(place) == []


def test_a_kubelet_gets_its_old_files_back(place: Path) -> None:
    (place / "conf").write_text("good")
    write(place, "bad", undo=True)
    for name, text in {
        "kubectl": "exit 1",
        "date": "echo 0",
        "systemctl": 'case $* in *NRestarts*) echo 2 ;; *) echo "$*" >> calls ;; esac',
    }.items():
        (place / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / name).chmod(0o755)
    script = restart("w1", "maxPods=5", undo=(str(place / "conf"),))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        shell(place, f"cd {place}; {script}")
    assert (place / "conf").read_text() == "good"
    assert (place / "calls").read_text().count("restart kubelet") == 2
    assert "the kubelet of w1 does not come back with maxPods=5" in caught.value.stderr
    assert f"the previous version was restored: {place}/conf" in caught.value.stderr
