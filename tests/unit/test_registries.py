"""The registries and mirrors of the inventory, for whichever runtime there is."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.engine.session import Session
from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.inventory.model import Runtime
from tests.unit.clusters import cluster
from tests.unit.recorded import RECORDINGS

pytestmark = pytest.mark.unit

INVENTORY = """\
cluster:
  kubernetes: 1.36.2
  runtime:
    registries:
      hub.example.org: {username: robot, password: "${TOKEN}", ca: ca.pem}
groups:
  control_plane:
    taints: []
    hosts: {cp1: {address: 10.0.0.11}}
"""


def test_a_registry_with_a_login(tmp_path: Path) -> None:
    path = tmp_path / "kubeinstall.yaml"
    path.write_text(INVENTORY)
    (tmp_path / "ca.pem").write_text((RECORDINGS / "ca.pem").read_text())
    made, warnings = load_with_warnings(path, {"TOKEN": "hunter2"})
    registry = made.spec.runtime.registries["hub.example.org"]
    assert registry.auth == base64.b64encode(b"robot:hunter2").decode()
    assert registry.ca == tmp_path / "ca.pem"
    assert "hunter2" not in repr(made)
    assert warnings == ()


def test_a_login_is_never_shown() -> None:
    login = {"username": "robot", "password": "hunter2"}
    made = cluster(runtime={"registries": {"hub.example.org": login}})
    with Session(made) as session:
        clean = session.redact(f"hunter2 {base64.b64encode(b'robot:hunter2').decode()}")
    assert clean == "******** ********"


@pytest.mark.parametrize(
    ("settings", "mirrors"),
    [
        ({}, []),
        ({"accelerators": [163]}, ["https://hub-mirror.c.163.com"]),
        (
            {
                "accelerators": ["https://b.example.org", "https://a.example.org"],
                "registries": {"docker.io": {"mirrors": ["https://a.example.org"]}},
            },
            ["https://a.example.org", "https://b.example.org"],
        ),
    ],
)
def test_mirrors_of_docker_hub(settings: dict[str, Any], mirrors: list[str]) -> None:
    runtime = Runtime.model_validate(settings)
    assert list(runtime.mirrors("docker.io")) == mirrors
    assert list(runtime.mirrors("quay.io")) == []
    assert list(runtime.registry_names()) == (["docker.io"] if mirrors else [])
