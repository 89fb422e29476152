"""containerd from an archive: installed, replaced and removed by this machine's sh."""

from __future__ import annotations

import configparser
import hashlib
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.facts.files import Exists
from kubeinstall.facts.programs import InstalledFrom
from kubeinstall.files import (
    containerd as containerd_files,
)
from kubeinstall.files import (
    containerd_archive as containerd_archive_files,
)
from kubeinstall.operations.downloads import Download
from kubeinstall.operations.programs import programs_gone, programs_installed
from tests.unit.clusters import cluster
from tests.unit.operating import ask, commands, run, texts

pytestmark = pytest.mark.unit

SHA = "a" * 64
URL = "https://mirror.example.org/containerd.tar.gz"


@dataclass(frozen=True)
class Machine:
    """Folders in the place of a host's."""

    root: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def record(self) -> Path:
        return self.root / "lib" / "installed"

    @property
    def programs(self) -> Path:
        return self.root / "bin"

    def archive(self, **programs: str) -> Download:
        """A tar with ``bin/``, brought to the host; each program prints a word."""
        folder = self.root / "packed"
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        for old in (folder / "bin").iterdir():
            old.unlink()
        for name, word in programs.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\necho {word}\n")
            (folder / "bin" / name).chmod(0o755)
        tar = self.root / "containerd.tar.gz"
        with tarfile.open(tar, "w:gz") as packed:
            packed.add(folder / "bin", "bin")
        return self.brought(tar)

    def brought(self, file: Path) -> Download:
        """A file that is on the host already."""
        content = file.read_bytes()
        self.record.parent.mkdir(exist_ok=True)
        (self.record.parent / "download").write_bytes(content)
        return Download(hashlib.sha256(content).hexdigest(), path=str(file))

    def yielded(self, download: Download, **arguments: Any) -> list[Any]:
        has = ask(InstalledFrom, record=str(self.record))
        given = {"program": "containerd", "folder": self.programs, "record": self.record}
        texted = {key: str(value) for key, value in given.items()} | arguments
        facts = {InstalledFrom: has}
        return commands(self.monkeypatch, programs_installed, facts, download=download, **texted)

    def install(self, download: Download, **arguments: Any) -> None:
        """Do what the operation says; the upload is done already."""
        yielded = self.yielded(download, **arguments)
        if yielded:
            run(texts(yielded[-1:])[0])

    def says(self, name: str) -> str:
        return run(str(self.programs / name)).strip()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_an_archive_is_installed_once(machine: Machine) -> None:
    download = machine.archive(containerd="one", ctr="client")
    machine.install(download)
    assert (machine.says("containerd"), machine.says("ctr")) == ("one", "client")
    assert machine.yielded(download) == []
    assert sorted(path.name for path in machine.record.parent.iterdir()) == ["installed"]


def test_what_was_changed_or_removed_by_hand_is_put_back(machine: Machine) -> None:
    download = machine.archive(containerd="one", ctr="client")
    machine.install(download)
    (machine.programs / "ctr").unlink()
    assert len(machine.yielded(download)) == 3
    machine.install(machine.archive(containerd="one", ctr="client"))
    (machine.programs / "containerd").write_text("#!/bin/sh\necho another\n")
    assert ask(InstalledFrom, record=str(machine.record)) == ""


def test_another_archive_takes_its_place(machine: Machine) -> None:
    machine.install(machine.archive(containerd="one", **{"containerd-shim": "old"}))
    machine.install(machine.archive(containerd="two", **{"containerd-shim-runc-v2": "new"}))
    assert machine.says("containerd") == "two"
    found = sorted(path.name for path in machine.programs.iterdir())
    assert found == ["containerd", "containerd-shim-runc-v2"]


def test_a_users_own_program_is_kept_beside_it(machine: Machine) -> None:
    machine.programs.mkdir()
    (machine.programs / "ctr").write_text("mine")
    machine.install(machine.archive(containerd="one", ctr="client"))
    machine.install(machine.archive(containerd="two", ctr="client"))
    assert (machine.programs / "ctr.before-kubeinstall").read_text() == "mine"
    assert not (machine.programs / "containerd.before-kubeinstall").exists()


@pytest.mark.parametrize(
    ("programs", "told"),
    [
        ({"ctr": "client"}, "the archive has no containerd"),
        ({"containerd": "one; exit 1"}, "containerd does not run here"),
    ],
)
def test_an_archive_of_no_use_replaces_nothing(
    machine: Machine, programs: dict[str, str], told: str
) -> None:
    machine.install(machine.archive(containerd="good"))
    with pytest.raises(subprocess.CalledProcessError) as raised:
        machine.install(machine.archive(**programs))
    assert told in raised.value.stderr
    assert machine.says("containerd") == "good"


def test_another_file_than_the_expected_is_not_unpacked(machine: Machine) -> None:
    download = machine.archive(containerd="one")
    (machine.record.parent / "download").write_bytes(b"another")
    with pytest.raises(subprocess.CalledProcessError) as raised:
        machine.install(download)
    assert "nothing was installed" in raised.value.stderr
    assert not machine.programs.exists()


def test_a_program_by_itself(machine: Machine) -> None:
    program = machine.root / "runc.amd64"
    program.write_text("#!/bin/sh\necho runc\n")
    download = machine.brought(program)
    machine.install(download, program="runc", packed=False)
    assert machine.says("runc") == "runc"
    assert ask(InstalledFrom, record=str(machine.record)) == download.sha256


def test_a_program_among_documents(machine: Machine) -> None:
    """As Helm's archive has it: linux-amd64/helm, LICENSE, README.md."""
    folder = machine.root / "linux-amd64"
    folder.mkdir()
    (folder / "LICENSE").write_text("free")
    (folder / "helm").write_text('#!/bin/sh\n[ "$1" = version ] && echo v4.2.4\n')
    tar = machine.root / "helm.tar.gz"
    with tarfile.open(tar, "w:gz") as packed:
        packed.add(folder, folder.name)
    download = machine.brought(tar)
    machine.install(download, program="helm", check="version")
    assert [path.name for path in machine.programs.iterdir()] == ["helm"]
    assert run(f"{machine.programs}/helm version").strip() == "v4.2.4"
    assert ask(InstalledFrom, record=str(machine.record)) == download.sha256


def test_it_is_taken_away_again(machine: Machine) -> None:
    machine.install(machine.archive(containerd="one", ctr="client"))
    (machine.programs / "mine").write_text("mine")
    facts = {Exists: True}
    lines = commands(machine.monkeypatch, programs_gone, facts, record=str(machine.record))
    run(texts(lines)[0])
    assert [path.name for path in machine.programs.iterdir()] == ["mine"]
    assert not machine.record.exists()
    facts = {Exists: False}
    assert not commands(machine.monkeypatch, programs_gone, facts, record=str(machine.record))


def test_its_unit() -> None:
    archive = {"url": URL, "sha256": SHA, "runc": {"file": Path("/x/runc"), "sha256": SHA}}
    made = cluster(runtime={"archive": archive})
    assert containerd_archive_files.archive(made) == Download(SHA, URL)
    assert containerd_archive_files.runc(made) == Download(SHA, path="/x/runc")
    files = {file.path: file.content for file in containerd_files.files(made, made.first)}
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(files["/etc/systemd/system/containerd.service"])
    assert parser["Service"]["ExecStart"] == "/usr/local/bin/containerd"
    usual = {file.path for file in containerd_files.files(cluster(), made.first)}
    assert containerd_archive_files.UNIT_FILE not in usual
