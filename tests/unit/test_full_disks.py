"""A full disk or a reader that has gone, here: a finding, and hosts are not left half-way."""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.cli import errors, run, running
from kubeinstall.cli.verify import _write
from kubeinstall.cluster import kubeconfig
from kubeinstall.engine.events import EventLog
from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases.phase import Run
from kubeinstall.report.door import console
from kubeinstall.report.terminal import Terminal
from tests.running import INVENTORIES
from tests.unit.clusters import cluster
from tests.unit.played_session import PlayedSession

pytestmark = pytest.mark.unit

FULL = Path("/dev/full")
EVENT = Event("w1", "hosts", "Something", Status.CHANGED)


class Gone(io.StringIO):
    """A pipe whose reader ended after some lines."""

    def __init__(self, lines: int = 0) -> None:
        super().__init__()
        self.left = lines

    def flush(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_events_that_cannot_be_written_are_told_once_and_stop_nothing() -> None:
    mode = FULL.stat().st_mode
    log = EventLog(FULL)
    for _ in range(3):
        log(EVENT)
    log.close()
    assert log.failure
    assert log.failure.kind is Kind.LOCAL
    assert log.failure.what == "the events file /dev/full cannot be written"
    assert log.failure.why == "No space left on device"
    assert "df -h" in log.failure.next
    assert FULL.stat().st_mode == mode  # whoever runs this: root would change it for everybody


def test_a_disk_that_fills_up_later_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events"
    log = EventLog(path)
    log(EVENT)

    def full(*_: Any) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(log, "_file", type("Full", (), {"write": full, "close": full})())
    log(EVENT)
    log.close()
    assert log.failure
    assert "quota" in log.failure.next
    assert len(path.read_text().splitlines()) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_output_that_nobody_reads_is_told_and_stops_nothing() -> None:
    reporter = Terminal(console(file=Gone(lines=2)))
    for _ in range(5):
        reporter.event(EVENT)
    reporter.ends(["w1"], {}, [])
    assert reporter.tally.changed == 5
    assert reporter.failure
    assert reporter.failure.what == "the standard output cannot be written"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions whose hosts are played."""
    monkeypatch.setattr(running, "Session", PlayedSession)


def told(run: Run) -> None:
    run.session.tell(EVENT)


def quiet() -> Terminal:
    return Terminal(console(file=io.StringIO()))


@pytest.mark.usefixtures("session")
def test_a_good_run_without_its_events_ends_as_a_local_error() -> None:
    reached = False
    with (
        pytest.raises(KubeinstallError) as caught,
        running.running(cluster(), quiet(), events=FULL) as made,
    ):
        told(made)
        reached = True
    assert reached
    assert caught.value.exit_code == Kind.LOCAL


@pytest.mark.usefixtures("session")
def test_a_good_run_that_nobody_reads_ends_as_a_local_error() -> None:
    with (
        pytest.raises(KubeinstallError) as caught,
        running.running(cluster(), Terminal(console(file=Gone()))) as made,
    ):
        told(made)
    assert "standard output" in caught.value.findings[0].what


@pytest.mark.usefixtures("session")
def test_a_failed_run_keeps_its_own_code_and_tells_both(capsys: pytest.CaptureFixture[str]) -> None:
    with running.running(cluster(), quiet(), events=FULL) as made:
        told(made)
        made.errors.append(Finding(Kind.CLUSTER, "broken"))
    assert "the events file /dev/full cannot be written" in capsys.readouterr().err
    with (
        pytest.raises(KubeinstallError, match="another"),
        running.running(cluster(), quiet(), events=FULL) as made,
    ):
        told(made)
        raise KubeinstallError(Finding(Kind.CLUSTER, "another"))
    assert "the events file /dev/full cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["schema"], ["validate", "-i", INVENTORIES / "small.yaml"], ["--help"]]
)
def test_a_full_disk_under_the_standard_output_is_no_internal_error(arguments: list[str]) -> None:
    with FULL.open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "kubeinstall", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == Kind.LOCAL
    assert "the standard output cannot be written" in ran.stderr
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


def test_a_closed_pipe_prints_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "kubeinstall", "schema"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert ran.returncode != 0
    assert ran.stderr == ""


def test_every_file_that_is_written_here_tells_why_it_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KubeinstallError, match="No space left"):
        _write(FULL, "results")
    assert run(["init", "--force", "-o", str(FULL)]) == Kind.LOCAL
    assert "No space left" in capsys.readouterr().err

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "config"
    path.write_text("before")
    with pytest.raises(KubeinstallError, match="No space left") as caught:
        kubeconfig.save(path, {})
    assert caught.value.exit_code == Kind.LOCAL
    assert path.read_text() == "before"
    assert list(tmp_path.glob(".config.*[!k]")) == []


def test_an_internal_error_on_a_full_disk_still_has_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: str) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(errors, "_save", full)
    assert errors.report(ZeroDivisionError()) == Kind.INTERNAL
    assert "No space left on device" in capsys.readouterr().err
