"""The kubeconfig for this machine: renamed, saved, merged; nothing of others is lost."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from kubeinstall.cli import kubeconfig as cli
from kubeinstall.cluster import kubeconfig
from kubeinstall.cluster.admin_conf import access
from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind, KubeinstallError
from tests.unit.certificates import OLD_CA, admin_conf, pem
from tests.unit.clusters import cluster
from tests.unit.fakes import FakeSession

pytestmark = pytest.mark.unit

ADMIN = admin_conf()
_SAID = yaml.safe_load(ADMIN)
CA = _SAID["clusters"][0]["cluster"]["certificate-authority-data"]
USER = _SAID["users"][0]["user"]
KEY = USER["client-key-data"]
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
    return access(ADMIN).kubeconfig(name, "https://10.0.0.10:6443")


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
                    "certificate-authority-data": CA,
                    "server": "https://10.0.0.10:6443",
                },
            }
        ],
        "users": [
            {
                "name": "lab-admin",
                "user": USER,
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
        "[" * 100_000,
    ],
)
def test_what_is_no_kubeconfig_is_told_without_its_text(text: str) -> None:
    with pytest.raises(ValueError) as error:
        access(text)
    assert KEY[:20] not in str(error.value)


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


def changed(**fields: Any) -> str:
    """The administrator's kubeconfig with other fields of its cluster or user."""
    document = yaml.safe_load(ADMIN)
    for place, values in fields.items():
        document[f"{place}s"][0][place] |= values
    return yaml.safe_dump(document)


@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        ("user", "exec", {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh"}),
        ("user", "auth-provider", {"name": "gcp", "config": {"cmd-path": "/bin/sh"}}),
        ("user", "client-key", "/root/.ssh/id_ed25519"),
        ("user", "client-certificate", "/etc/hosts"),
        ("user", "token", "abc"),
        ("user", "tokenFile", "/root/.ssh/id_ed25519"),
        ("user", "username", "me"),
        ("user", "password", "abc"),
        ("user", "as", "root"),
        ("user", "as-groups", ["system:masters"]),
        ("user", "extensions", []),
        ("cluster", "certificate-authority", "/etc/hosts"),
        ("cluster", "insecure-skip-tls-verify", True),
        ("cluster", "proxy-url", "http://evil.example.org"),
        ("cluster", "tls-server-name", "evil.example.org"),
        ("cluster", "extensions", []),
        ("cluster", "disable-compression", True),
    ],
)
def test_what_kubeadm_does_not_write_is_refused_by_its_name(
    place: str, field: str, value: Any
) -> None:
    with pytest.raises(ValueError) as error:
        access(changed(**{place: {field: value}}))
    assert str(error.value) == f"its {place} has {field}, which kubeadm does not write"


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


@pytest.mark.parametrize("field", ["\x1b]52;c;eA==\x07", "a\nb", "x" * 80, 7, 1.5])
def test_a_field_of_any_text_is_refused_without_it(field: Any) -> None:
    with pytest.raises(ValueError, match="its user has another field, which"):
        access(changed(user={field: 1}))


@pytest.mark.parametrize(
    "server",
    [
        "http://10.0.0.10:6443",
        "https://me:pw@10.0.0.10:6443",
        "https://10.0.0.10:6443/path",
        "https://10.0.0.10:6443?x",
        "https://10.0.0.10:0",
        "https://10.0.0.10:99999",
        "https://10.0.0.10:6443\n",
        "https://a_b:6443",
        "https://$(id):6443",
        "https://",
        "file:///etc/hosts",
        "unix:///run/x",
        "https://[::1",
        7,
        None,
    ],
)
def test_a_server_is_a_host_and_a_port(server: Any) -> None:
    with pytest.raises(ValueError, match=r"its server is not https|its cluster has no server"):
        access(changed(cluster={"server": server}))


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("cluster", "certificate-authority-data"),
        ("user", "client-certificate-data"),
        ("user", "client-key-data"),
    ],
)
@pytest.mark.parametrize("value", ["", "Q0E=", "%", "/etc/hosts", 7, None, ["x"]])
def test_certificates_and_keys_are_those(place: str, field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        access(changed(**{place: {field: value}}))


def test_a_cluster_of_an_older_kubeadm_is_taken_without_a_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    """Its authority has the serial number 0."""
    authority = base64.b64encode(OLD_CA.encode()).decode()
    assert access(changed(cluster={"certificate-authority-data": authority})).authority == OLD_CA
    assert list(recwarn) == []


def test_another_context_in_the_file_counts_for_nothing() -> None:
    document = yaml.safe_load(ADMIN)
    document["users"].append({"name": "evil", "user": {"exec": {"command": "sh"}}})
    made = access(yaml.safe_dump(document)).kubeconfig("lab", "https://10.0.0.10:6443")
    assert made == ours()


def served(server: str, *names: str, **given: Any) -> dict[str, Any]:
    """The cluster of the kubeconfig that this machine gets."""
    said = f"{admin_conf(server)}\n{kubeconfig._MARK}\n{pem(names)}"
    made = cluster(**given)
    session = FakeSession(made, answer=lambda _host, _command: Output(0, said, ""))
    found: dict[str, Any] = kubeconfig.fetch(session, made)["clusters"][0]["cluster"]  # type: ignore[arg-type]
    return {k: v for k, v in found.items() if k != "certificate-authority-data"}


INSIDE = "https://192.168.5.5:6443"


@pytest.mark.parametrize(
    ("answering", "names", "expected"),
    [
        (["10.0.0.10"], ["kubernetes", "10.0.0.10"], {"server": "https://10.0.0.10:6443"}),
        (
            ["10.0.0.10"],
            ["kubernetes", "192.168.5.5"],
            {"server": "https://10.0.0.10:6443", "tls-server-name": "kubernetes"},
        ),
        (["192.168.5.5"], ["kubernetes", "192.168.5.5"], {"server": INSIDE}),
        ([], ["kubernetes", "10.0.0.10"], {"server": "https://10.0.0.10:6443"}),
        ([], [], {"server": "https://10.0.0.10:6443"}),
    ],
)
def test_the_server_is_one_that_this_machine_reaches(
    monkeypatch: pytest.MonkeyPatch, answering: list[str], names: list[str], expected: Any
) -> None:
    """The control plane has an address of its own, 192.168.5.5, behind the one of ssh."""
    monkeypatch.setattr(
        kubeconfig, "reaches", lambda host, port: host in answering and port == 6443
    )
    assert served(INSIDE, *names) == expected


def test_the_script_prints_both_files_and_fails_without_the_first(tmp_path: Path) -> None:
    admin, certificate = tmp_path / "admin.conf", tmp_path / "apiserver.crt"
    script = kubeconfig._SCRIPT.replace("/etc/kubernetes/admin.conf", str(admin))
    script = script.replace("/etc/kubernetes/pki/apiserver.crt", str(certificate))

    def run() -> tuple[int, str]:
        ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
        return ended.returncode, ended.stdout

    assert run() == (78, "")
    admin.write_text("a: b")
    assert run() == (0, f"a: b\n{kubeconfig._MARK}\n")
    certificate.write_text("PEM")
    assert run() == (0, f"a: b\n{kubeconfig._MARK}\nPEM")


def test_the_endpoint_is_the_server_whatever_the_control_plane_says() -> None:
    endpoint = {"host": "api.example.org", "port": 443}
    assert served(INSIDE, "api.example.org", endpoint=endpoint) == {
        "server": "https://api.example.org:443"
    }
    assert served("https://evil.example.org:6443", endpoint=endpoint)["server"] == (
        "https://api.example.org:443"
    )


def test_a_port_that_nobody_listens_on_is_not_reached() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        assert not kubeconfig.reaches("127.0.0.1", port)
        listening.listen()
        assert kubeconfig.reaches("127.0.0.1", port)


def test_the_same_cluster_at_another_address_is_no_other(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge(path, access(ADMIN).kubeconfig("lab", "https://192.168.5.5:6443"))
    kubeconfig.merge(path, ours())
    assert yaml.safe_load(path.read_text()) == ours()


def test_only_the_first_control_plane_is_asked() -> None:
    session = FakeSession(cluster(), answer=lambda _host, _command: Output(0, ADMIN, ""))
    kubeconfig.fetch(session, cluster())  # type: ignore[arg-type]
    assert session.alive == ["cp1"]
