"""The command kubeconfig: where the file goes, and what ends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from kubeinstall.cli import kubeconfig as cli
from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind, KubeinstallError
from tests.unit.kubeconfigs import ADMIN, KEY, changed, ours
from tests.unit.played_session import PlayedSession

pytestmark = pytest.mark.unit

INVENTORY = """\
cluster: {name: lab, kubernetes: 1.36.2}
groups: {control_plane: {hosts: {cp1: {address: 10.0.0.10}}}}
"""


def invoke(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str, **session: Any
) -> Result:
    (tmp_path / "kubeinstall.yaml").write_text(INVENTORY)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    given = {"answer": lambda _host, _command: Output(0, ADMIN, ""), **session}
    monkeypatch.setattr(cli, "Session", lambda made: PlayedSession(made, **given))
    return CliRunner().invoke(
        cli.command, ["-i", str(tmp_path / "kubeinstall.yaml"), *arguments], standalone_mode=False
    )


def test_it_is_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = invoke(monkeypatch, tmp_path)
    assert result.exception is None
    assert yaml.safe_load(result.stdout) == ours()


def test_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = invoke(monkeypatch, tmp_path, "-o", str(tmp_path / "out"))
    assert result.exception is None
    assert yaml.safe_load((tmp_path / "out").read_text()) == ours()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    assert KEY[:20] not in result.output


def test_it_is_merged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = invoke(monkeypatch, tmp_path, "--merge")
    assert result.exception is None
    assert yaml.safe_load((tmp_path / ".kube" / "config").read_text()) == ours()
    assert KEY[:20] not in result.output


def test_both_at_once_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = invoke(monkeypatch, tmp_path, "--merge", "-o", "x")
    assert isinstance(result.exception, click.UsageError)


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        ({"unreachable": ["cp1"]}, Kind.CONNECT),
        ({"answer": lambda _host, _command: Output(78, "", "")}, Kind.CLUSTER),
        ({"answer": lambda _host, _command: Output(1, "", "cat: no")}, Kind.CLUSTER),
        ({"answer": lambda _host, _command: Output(0, "junk", "")}, Kind.CLUSTER),
    ],
)
def test_without_a_cluster_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, session: dict[str, Any], kind: Kind
) -> None:
    result = invoke(monkeypatch, tmp_path, "--merge", **session)
    assert isinstance(result.exception, KubeinstallError)
    assert result.exception.exit_code == int(kind)
    assert not (tmp_path / ".kube").exists()


@pytest.mark.parametrize("target", [["--merge"], ["-o", "out"], []])
def test_a_program_that_a_control_plane_names_reaches_no_file_and_no_screen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: list[str]
) -> None:
    """A compromised control plane: its file may not run or read anything on this machine."""
    monkeypatch.chdir(tmp_path)
    evil = changed(user={"exec": {"command": "sh"}})
    session = {"answer": lambda _host, _command: Output(0, evil, "")}
    result = invoke(monkeypatch, tmp_path, *target, **session)
    assert isinstance(result.exception, KubeinstallError)
    [finding] = result.exception.findings
    assert finding.why == "its user has exec, which kubeadm does not write"
    assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["kubeinstall.yaml"]
