"""The user's own kubeconfig: what is written to it, merged into it, and left alone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from kubeinstall.cluster import kubeconfig
from kubeinstall.cluster.admin_conf import access
from kubeinstall.findings import Kind, KubeinstallError
from tests.unit.kubeconfigs import ADMIN, ours

pytestmark = pytest.mark.unit

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


def kind_of(error: pytest.ExceptionInfo[KubeinstallError]) -> Kind:
    return error.value.findings[0].kind


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
    assert provider == {"expiry": "2026-01-02T03:04:05Z", "port": 8443, "true": True}
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
        "import sys\nfrom pathlib import Path\n"
        "from kubeinstall.cluster import admin_conf, kubeconfig\n"
        "name, path, admin = sys.argv[1:]\n"
        "made = admin_conf.access(admin).kubeconfig(name, 'https://10.0.0.10:6443')\n"
        "kubeconfig.merge(Path(path), made)"
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


def test_the_same_cluster_at_another_address_is_no_other(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge(path, access(ADMIN).kubeconfig("lab", "https://192.168.5.5:6443"))
    kubeconfig.merge(path, ours())
    assert yaml.safe_load(path.read_text()) == ours()
