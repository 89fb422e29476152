"""The administrator's kubeconfig: what is taken from a control plane, and what is refused."""

from __future__ import annotations

import base64
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.cluster import kubeconfig
from kubeinstall.cluster.admin_conf import access
from kubeinstall.engine.types import Output
from tests.unit.certificates import OLD_CA, admin_conf, pem
from tests.unit.clusters import cluster
from tests.unit.kubeconfigs import ADMIN, CA, KEY, USER, changed, ours
from tests.unit.played_session import PlayedSession

pytestmark = pytest.mark.unit


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
    session = PlayedSession(made, answer=lambda _host, _command: Output(0, said, ""))
    found: dict[str, Any] = kubeconfig.fetch(session, made)["clusters"][0]["cluster"]
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


def test_only_control_planes_are_asked() -> None:
    session = PlayedSession(cluster(), answer=lambda _host, _command: Output(0, ADMIN, ""))
    kubeconfig.fetch(session, cluster())
    assert session.alive == ["cp1"]
