"""helm and kubectl of a host: the real programs, over a session to this machine's shell."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kubeinstall.addons import builder as building
from kubeinstall.addons.builder import Build
from kubeinstall.findings import KubeinstallError
from kubeinstall.phases.addons.builders import on_host
from tests import programs
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession

pytestmark = pytest.mark.render

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {word: s3cret}\n"
FILES = {"here/kustomization.yaml": b"resources: [a.yaml]\n", "here/a.yaml": OBJECT.encode()}
KUSTOMIZE = ["kubectl", "kustomize", "here"]


def build(*commands: list[str], **files: bytes) -> Build:
    named = {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    return Build("the thing", {**FILES, **named}, commands, "get one")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalSession:
    """A host that has the oldest kubectl there is to be had."""
    folder = programs.folder(programs.OLD)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return LocalSession(cluster())


def test_the_host_builds(host: LocalSession, tmp_path: Path) -> None:
    made = on_host(host, "cp1")(build(["no-kustomize", "build", "here"], KUSTOMIZE))
    assert made and "word: s3cret" in made
    assert not list(tmp_path.iterdir())
    (script,) = host.shells["cp1"].scripts
    assert "s3cret" not in script


def test_the_same_here(host: LocalSession) -> None:
    made = building.here(build(["no-kustomize"], KUSTOMIZE))
    assert made == on_host(host, "cp1")(build(KUSTOMIZE))


def test_no_program(host: LocalSession) -> None:
    wanted = build(["no-helm", "template"], ["no-kustomize"])
    assert on_host(host, "cp1")(wanted) is None
    with pytest.raises(KubeinstallError) as raised:
        building.first(building.here, on_host(host, "cp1"))(wanted)
    (finding,) = raised.value.findings
    assert finding.what == "the thing cannot be rendered: there is no no-helm or no-kustomize"
    assert finding.next == "get one"


def test_this_machine_comes_first(host: LocalSession) -> None:
    building.first(building.here, on_host(host, "cp1"))(build(KUSTOMIZE))
    assert not host.shells["cp1"].scripts


def test_what_the_host_says_is_told(host: LocalSession, tmp_path: Path) -> None:
    with pytest.raises(KubeinstallError) as raised:
        on_host(host, "cp1")(build(KUSTOMIZE, here__kustomization=b"resources: [none.yaml]\n"))
    (finding,) = raised.value.findings
    assert finding.where == "cp1"
    assert "none.yaml" in finding.why
    assert not list(tmp_path.iterdir())


def test_nobody_else_reads_the_files(host: LocalSession, tmp_path: Path) -> None:
    modes = ["sh", "-c", "stat -c %a . here here/a.yaml >&2; exit 3"]
    for builder in (building.here, on_host(host, "cp1")):
        with pytest.raises(KubeinstallError) as raised:
            builder(build(modes))
        said = raised.value.findings[0].why.split()
        assert re.fullmatch("700", said[0])
        assert len(said) == 3
    assert not list(tmp_path.iterdir())
