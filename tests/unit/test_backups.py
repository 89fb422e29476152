"""What was there before us is kept once, whole, and comes back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kubeinstall.operations import backups

pytestmark = pytest.mark.unit


def sh(command: str) -> None:
    subprocess.run(["sh", "-ec", command], check=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a file"
    path.write_text("theirs")
    path.chmod(0o640)
    return path


def kept(file: Path) -> Path:
    return file.with_name(f"{file.name}.before-kubeinstall")


def test_the_first_copy_stays(file: Path) -> None:
    sh(backups.copied(str(file)))
    file.write_text("ours")
    sh(backups.copied(str(file)))
    assert kept(file).read_text() == "theirs"
    assert kept(file).stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.glob("*part*")] == []


def test_a_copy_that_was_cut_short_is_made_again(file: Path) -> None:
    kept(file).with_name(f"{kept(file).name}.part").write_text("the")
    sh(backups.copied(str(file)))
    assert kept(file).read_text() == "theirs"


def test_what_is_moved_stays_where_a_copy_is(file: Path) -> None:
    sh(backups.moved(str(file)))
    assert not file.exists()
    file.write_text("ours")
    sh(backups.moved(str(file)))
    assert (file.read_text(), kept(file).read_text()) == ("ours", "theirs")
    file.unlink()
    sh(backups.moved(str(file)))


def test_what_is_in_the_way_goes_and_nothing_is_lost(file: Path) -> None:
    sh(backups.aside(str(file)))
    file.write_text("again")
    sh(backups.aside(str(file)))
    assert not file.exists()
    assert kept(file).read_text() == "again"
    assert kept(file).with_name(f"{kept(file).name}.~1~").read_text() == "theirs"
    sh(backups.aside(str(file)))


def test_it_comes_back(file: Path) -> None:
    sh(backups.copied(str(file)))
    file.write_text("ours")
    sh(backups.put_back(str(file)))
    assert file.read_text() == "theirs"
    assert not kept(file).exists()
