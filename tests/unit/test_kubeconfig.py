"""The kubeconfig for this machine: renamed, saved, merged; nothing of others is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from kubeinstall import kubeconfig
from kubeinstall.cli import kubeconfig as cli
from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind, KubeinstallError
from tests.unit.clusters import cluster
from tests.unit.fakes import FakeSession

pytestmark = pytest.mark.unit

ADMIN = """\
apiVersion: v1
clusters:
- cluster: {certificate-authority-data: Q0E=, server: 'https://10.0.0.10:6443'}
  name: kubernetes
contexts:
- context: {cluster: kubernetes, user: kubernetes-admin}
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
preferences: {}
users:
- name: kubernetes-admin
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
"""
THEIRS = """\
apiVersion: v1
kind: Config
preferences: {colors: true}
x-note: keep me
clusters:
- name: other
  cluster: {server: 'https://other.example.org', tls-server-name: 0x10.example.org}
contexts:
- name: other
  context: {cluster: other, user: me, namespace: mine}
current-context: other
users:
- name: me
  user:
    auth-provider: {config: {expiry: 2026-01-02T03:04:05Z, port: 8443, on: true}}
"""


def ours(name: str = "lab") -> dict[str, Any]:
    return kubeconfig.named(ADMIN, name)


def kind_of(error: pytest.ExceptionInfo[KubeinstallError]) -> Kind:
    return error.value.findings[0].kind


def test_names_are_the_clusters() -> None:
    assert ours() == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {
                    "certificate-authority-data": "Q0E=",
                    "server": "https://10.0.0.10:6443",
                },
            }
        ],
        "users": [
            {
                "name": "lab-admin",
                "user": {"client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ"},
            }
        ],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab-admin"}}],
        "current-context": "lab",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: [",
        "\x00",
        "just text",
        "{current-context: x}",
        "{current-context: x, contexts: [{name: x}]}",
        "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}]}",
        "{contexts: [1]}",
        "{users: {a: b}}",
        ADMIN.replace("client-key-data", "\tclient-key-data"),
    ],
)
def test_what_is_no_kubeconfig_is_told_without_its_text(text: str) -> None:
    with pytest.raises(ValueError) as error:
        kubeconfig.named(text, "lab")
    assert "S0VZ" not in str(error.value)


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("/a:/b", "/a"),
        (":/b", "/b"),
        ("", "/home/me/.kube/config"),
        (None, "/home/me/.kube/config"),
    ],
)
def test_the_file_that_kubectl_writes(
    variable: str | None, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    environ = {} if variable is None else {"KUBECONFIG": variable}
    assert kubeconfig.default_path(environ) == Path(path)


def test_merged_into_no_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".kube" / "config"
    kubeconfig.merge(path, ours())
    assert yaml.safe_load(path.read_text()) == ours()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_all_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    path.chmod(0o644)
    kubeconfig.merge(path, ours())
    text = path.read_text()
    found, before = yaml.safe_load(text), yaml.safe_load(THEIRS)
    assert "2026-01-02T03:04:05Z" in text
    provider = found["users"][0]["user"]["auth-provider"]["config"]
    assert provider == {"expiry": "2026-01-02T03:04:05Z", "port": 8443, True: True}
    assert found["preferences"] == {"colors": True}
    assert found["x-note"] == "keep me"
    assert found["current-context"] == "lab"
    for key in ("clusters", "contexts"):
        assert found[key] == [*before[key], *ours()[key]]
    assert [user["name"] for user in found["users"]] == ["me", "lab-admin"]
    assert path.stat().st_mode & 0o777 == 0o600
    kubeconfig.merge(path, ours())
    assert path.read_text() == text


def test_new_credentials_replace_old_ones_and_the_namespace_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    old = ours()
    old["users"][0]["user"] = {"token": "old"}
    old["contexts"][0]["context"]["namespace"] = "mine"
    path.write_text(yaml.safe_dump(old))
    kubeconfig.merge(path, ours())
    found = yaml.safe_load(path.read_text())
    assert found["users"] == ours()["users"]
    assert found["contexts"][0]["context"] == {
        "cluster": "lab",
        "user": "lab-admin",
        "namespace": "mine",
    }


@pytest.mark.parametrize(
    "text",
    [
        "clusters: [{name: lab, cluster: {server: 'https://elsewhere.example.org'}}]",
        "contexts: [{name: lab, context: {cluster: elsewhere, user: me}}]",
    ],
)
def test_another_cluster_of_the_name_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(KubeinstallError, match="elsewhere") as error:
        kubeconfig.merge(path, ours())
    assert kind_of(error) is Kind.LOCAL
    assert path.read_text() == text


@pytest.mark.parametrize(
    "content",
    [b"a: [", b"- a", b"\xff\xfe", b"clusters: 3", b"users: [{user: {}}]", b"contexts: [x]"],
)
def test_a_malformed_file_is_told_and_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(KubeinstallError, match=str(path)) as error:
        kubeconfig.merge(path, ours())
    assert kind_of(error) is Kind.LOCAL
    assert path.read_bytes() == content


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    kubeconfig.save(tmp_path / "link", ours())
    assert (tmp_path / "link").is_symlink()
    assert yaml.safe_load((tmp_path / "real").read_text()) == ours()


def test_devices_and_folders_are_not_replaced(tmp_path: Path) -> None:
    for path in (Path("/dev/null"), tmp_path, tmp_path / "file" / "below"):
        (tmp_path / "file").write_text("")
        with pytest.raises(KubeinstallError) as error:
            kubeconfig.save(path, ours())
        assert kind_of(error) is Kind.LOCAL
    assert Path("/dev/null").is_char_device()


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(KubeinstallError, match="No space left"):
        kubeconfig.merge(path, ours())
    assert path.read_text() == THEIRS
    assert sorted(p.name for p in tmp_path.iterdir()) == [".config.kubeinstall-lock", "config"]


def test_merges_at_once_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "config"
    script = (
        "import sys\nfrom pathlib import Path\nfrom kubeinstall import kubeconfig\n"
        "name, path, admin = sys.argv[1:]\n"
        "kubeconfig.merge(Path(path), kubeconfig.named(admin, name))"
    )
    names = [f"c{number}" for number in range(4)]
    with kubeconfig._locked(path):
        runs = [
            subprocess.Popen([sys.executable, "-c", script, name, str(path), ADMIN])
            for name in names
        ]
        time.sleep(1)
        assert not path.exists()
    assert [run.wait(60) for run in runs] == [0] * len(runs)
    found = yaml.safe_load(path.read_text())
    assert sorted(entry["name"] for entry in found["contexts"]) == names


INVENTORY = """\
cluster: {name: lab, kubernetes: 1.36.2}
groups: {control_plane: {hosts: {cp1: {address: 10.0.0.10}}}}
"""


class Closing(FakeSession):
    """A fake that is used as sessions are."""

    def __enter__(self) -> Closing:
        return self

    def __exit__(self, *_: object) -> None: ...


def invoke(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str, **session: Any
) -> Result:
    (tmp_path / "kubeinstall.yaml").write_text(INVENTORY)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    given = {"answer": lambda _host, _command: Output(0, ADMIN, ""), **session}
    monkeypatch.setattr(cli, "Session", lambda made: Closing(made, **given))
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
    assert "S0VZ" not in result.output


def test_it_is_merged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = invoke(monkeypatch, tmp_path, "--merge")
    assert result.exception is None
    assert yaml.safe_load((tmp_path / ".kube" / "config").read_text()) == ours()
    assert "S0VZ" not in result.output


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


def test_only_the_first_control_plane_is_asked() -> None:
    session = FakeSession(cluster(), answer=lambda _host, _command: Output(0, ADMIN, ""))
    kubeconfig.fetch(session, cluster())  # type: ignore[arg-type]
    assert session.alive == ["cp1"]
