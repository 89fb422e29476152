"""Logins and CAs of registries, as Docker and the kubelet read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from kubeinstall.facts.files import File, FileState
from kubeinstall.files import docker as docker_files
from kubeinstall.files import registries as registry_files
from kubeinstall.files.registries import given_ca
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Registry, RuntimeName
from kubeinstall.operations.docker_logins import desired, docker_logins
from tests.unit.clusters import cluster
from tests.unit.operating import commands
from tests.unit.recorded import RECORDINGS

pytestmark = pytest.mark.unit

A, B = "a.example.org", "b.example.org"
MINE = {A: {"auth": "mine"}}
OURS = {B: {"auth": "ours"}}
NOTE = {"//": f"Managed by kubeinstall {B}"}


@pytest.mark.parametrize(
    ("found", "auths", "wanted"),
    [
        ({}, {}, {}),
        ({}, {B: "ours"}, {**NOTE, "auths": OURS}),
        ({**NOTE, "auths": OURS}, {B: "ours"}, {**NOTE, "auths": OURS}),
        ({**NOTE, "auths": OURS}, {B: "new"}, {**NOTE, "auths": {B: {"auth": "new"}}}),
        # The user's own stay, also when ours go.
        (
            {"auths": MINE, "credsStore": "x"},
            {B: "ours"},
            {**NOTE, "auths": {**MINE, **OURS}, "credsStore": "x"},
        ),
        (
            {**NOTE, "auths": {**MINE, **OURS}, "credsStore": "x"},
            {},
            {"auths": MINE, "credsStore": "x"},
        ),
        ({"auths": MINE}, {}, {"auths": MINE}),
        ({"auths": {}}, {}, {"auths": {}}),
        ({**NOTE, "auths": OURS}, {}, {}),
    ],
)
def test_logins(found: dict[str, Any], auths: dict[str, str], wanted: dict[str, Any]) -> None:
    result = desired(found, auths)
    assert result == wanted
    assert desired(result, auths) == wanted, "a second time changes nothing"


def given(
    monkeypatch: pytest.MonkeyPatch, file: FileState | None, auths: dict[str, str]
) -> list[Any]:
    return commands(monkeypatch, docker_logins, {File: file}, path="/x/config.json", auths=auths)


def test_the_file_is_its_owners_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    (write,) = given(monkeypatch, None, {B: "ours"})
    assert "chmod 600" in write.get_raw_value()
    assert "ours" not in write.get_raw_value()
    assert write.diff == ""
    assert json.loads(write.stdin)["auths"] == OURS
    same = FileState("644", json.dumps({**NOTE, "auths": OURS}).encode())
    (mode,) = given(monkeypatch, same, {B: "ours"})
    assert mode.get_raw_value() == "chmod 600 /x/config.json"


def test_a_file_without_logins_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    (gone,) = given(monkeypatch, FileState("600", json.dumps({**NOTE, "auths": OURS}).encode()), {})
    assert gone.get_raw_value() == "rm -f /x/config.json"
    assert given(monkeypatch, None, {}) == []
    assert given(monkeypatch, FileState("644", b'{"auths": {}}'), {}) == []


def test_a_file_of_the_users_that_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, FileState("600", b"{"), {}) == []
    with pytest.raises(OperationError, match="line 1, column 2"):
        given(monkeypatch, FileState("600", b"{"), {B: "ours"})


def test_the_files_of_the_inventory(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text((RECORDINGS / "ca.pem").read_text())
    login = {"username": "robot", "password": "hunter2"}
    registries = {"docker.io": login, f"{A}:5000": {**login, "ca": ca}}
    made = cluster(runtime={"name": RuntimeName.DOCKER, "registries": registries})
    files = {file.path: file for file in docker_files.files(made, made.first)}
    assert files[f"/etc/docker/certs.d/{A}:5000/ca.crt"].content.endswith("CERTIFICATE-----\n")
    for path in ("/root/.docker/config.json", "/var/lib/kubelet/config.json"):
        assert files[path].mode == "600"
        assert set(json.loads(files[path].content)["auths"]) == {
            "https://index.docker.io/v1/",
            f"{A}:5000",
        }
    told = "".join(file.content for file in files.values())
    assert "hunter2" not in told
    assert not any(auth in told for auth in registry_files.logins(made).values())


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b"x", "no readable PEM"), (b"\xff", "not UTF-8")]
)
def test_a_ca_that_is_of_no_use(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KubeinstallError, match=why):
        given_ca(A, Registry(ca=path))
