"""cri-dockerd: what it is installed from, and when."""

from __future__ import annotations

import configparser
import hashlib
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.command import FileUploadCommand
from pyinfra.api.exceptions import OperationError

from kubeinstall.facts.cri_dockerd import CriDockerd, ProgramState
from kubeinstall.files import (
    cri_dockerd as cri_dockerd_files,
)
from kubeinstall.files import (
    docker as docker_files,
)
from kubeinstall.files import (
    kubeadm as kubeadm_files,
)
from kubeinstall.inventory.model import Cluster, RuntimeName
from kubeinstall.operations.cri_dockerd import cri_dockerd_installed
from kubeinstall.operations.downloads import Download
from kubeinstall.releases.cri_dockerd import CHECKSUMS, DEFAULT
from tests.unit.clusters import cluster
from tests.unit.operating import commands

pytestmark = pytest.mark.unit

SHA = "a" * 64
URL = "https://mirror.example.org/cri-dockerd.tgz"


def docker(version: str = "1.36.2", **cri_dockerd: Any) -> Cluster:
    runtime = {"name": RuntimeName.DOCKER, "cri_dockerd": cri_dockerd}
    return cluster(version=version, runtime=runtime)


def test_the_default_is_a_release_with_known_checksums() -> None:
    found = cri_dockerd_files.downloads(docker())
    assert set(found) == {"x86_64", "aarch64"}
    assert found["x86_64"].sha256 == CHECKSUMS[DEFAULT]["amd64"]
    assert found["aarch64"].url.endswith(f"v{DEFAULT}/cri-dockerd-{DEFAULT}.arm64.tgz")


def test_every_known_checksum_is_one() -> None:
    known = [checksum for one in CHECKSUMS.values() for checksum in one.values()]
    assert all(len(bytes.fromhex(checksum)) == 32 for checksum in known)
    assert len(set(known)) == len(known)


@pytest.mark.parametrize(
    ("settings", "download", "program"),
    [
        ({"url": URL, "sha256": SHA}, Download(SHA, URL), "/usr/local/bin/cri-dockerd"),
        (
            {"file": Path("/x/cri-dockerd.deb"), "sha256": SHA},
            Download(SHA, path="/x/cri-dockerd.deb"),
            "/usr/bin/cri-dockerd",
        ),
    ],
)
def test_a_file_of_your_own(settings: dict[str, Any], download: Download, program: str) -> None:
    made = docker(**settings)
    assert cri_dockerd_files.downloads(made)["x86_64"] == download
    assert cri_dockerd_files.program(made) == program
    assert f"ExecStart={program} " in cri_dockerd_files.service(made)


def test_its_files() -> None:
    made = docker()
    files = {file.path: file.content for file in docker_files.files(made, made.first)}
    for path in (cri_dockerd_files.SERVICE_FILE, cri_dockerd_files.SOCKET_FILE):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.read_string(files[path])
        assert "Install" in parser.sections()
        assert "kubeinstall" in files[path]


def test_its_unit_has_the_sandbox_image_of_the_version() -> None:
    assert "--pod-infra-container-image registry.k8s.io/pause:3.10.2" in (
        cri_dockerd_files.service(docker())
    )
    assert "pause:3.9" in cri_dockerd_files.service(docker("1.30.0"))


def test_it_is_for_versions_without_dockershim() -> None:
    assert cri_dockerd_files.needed(docker("1.24.0"))
    assert not cri_dockerd_files.needed(docker("1.23.17"))
    assert kubeadm_files.cri_socket(docker("1.24.0")) == "unix:///run/cri-dockerd.sock"


@pytest.mark.parametrize(
    ("version", "name", "gates"),
    [
        ("1.36.0", RuntimeName.DOCKER, {"ExtendWebSocketsToKubelet": False}),
        ("1.35.0", RuntimeName.DOCKER, None),
        ("1.36.0", RuntimeName.CONTAINERD, None),
    ],
)
def test_kubectl_exec_gets_through(version: str, name: RuntimeName, gates: object) -> None:
    made = cluster(version=version, runtime={"name": name})
    assert kubeadm_files.kubelet_configuration(made).get("featureGates") == gates


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["x86_64", f"{SHA} own", "own  -"], ProgramState("x86_64", SHA, intact=True)),
        (["x86_64", f"{SHA} own", "other  -"], ProgramState("x86_64", SHA, intact=False)),
        (["x86_64", f"{SHA} own"], ProgramState("x86_64")),
        (["aarch64", "- -"], ProgramState("aarch64")),
        (["aarch64", "- -", "own  -"], ProgramState("aarch64", "-")),
        ([], ProgramState()),
    ],
)
def test_what_is_installed(lines: list[str], state: ProgramState) -> None:
    assert CriDockerd().process(lines) == state


def install(monkeypatch: pytest.MonkeyPatch, state: ProgramState, download: Download) -> list[Any]:
    given = {"downloads": {"x86_64": download}, "program": "/usr/local/bin/cri-dockerd"}
    return commands(monkeypatch, cri_dockerd_installed, {CriDockerd: state}, **given)


def test_it_is_fetched_by_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch, put = install(monkeypatch, ProgramState("x86_64"), Download(SHA, URL))
    assert URL not in fetch.get_raw_value()
    assert URL in fetch.stdin
    assert f"wanted={SHA}" in put.get_raw_value()


def test_it_is_uploaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "cri-dockerd.deb"
    file.write_bytes(b"package")
    sha = hashlib.sha256(b"package").hexdigest()
    download = Download(sha, path=str(file))
    _, upload, put = install(monkeypatch, ProgramState("x86_64", SHA, intact=True), download)
    assert isinstance(upload, FileUploadCommand)
    assert "apt-get" in put.get_raw_value()
    with pytest.raises(OperationError, match="its SHA-256 is"):
        install(monkeypatch, ProgramState("x86_64"), Download(SHA, path=str(file)))


def test_it_is_put_back_only_where_it_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    download = Download(SHA, URL)
    assert install(monkeypatch, ProgramState("x86_64", SHA, intact=True), download) == []
    assert len(install(monkeypatch, ProgramState("x86_64", SHA, intact=False), download)) == 2


def test_an_architecture_without_a_release_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError, match="riscv64"):
        install(monkeypatch, ProgramState("riscv64"), Download(SHA, URL))
