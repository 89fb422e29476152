"""Logins over ssh: whose key is believed, and what is shown to whom, with hostile servers too."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import paramiko
import pytest

from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Host, Role, Ssh
from kubeinstall.ssh.dialer import Dialer
from kubeinstall.ssh.reasons import SshFailure
from kubeinstall.ssh.target import Target
from kubeinstall.ssh.transport import DISABLED
from tests.ssh_server import HOST_KEY, Sha1Signer, SshServer
from tests.unit.clusters import host as any_host

pytestmark = pytest.mark.unit

OTHER_KEY = paramiko.ECDSAKey.generate()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No agent, no keys and no known_hosts of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@pytest.fixture
def key(home: Path) -> Path:
    path = home / "id"
    paramiko.RSAKey.generate(2048).write_private_key_file(str(path))
    return path


def behind(server: SshServer, **ssh: Any) -> Host:
    """The host that a server is."""
    fields = {"port": server.port, "password": "of the host", **ssh}
    return any_host("w1", Role.WORKER, 1, address="127.0.0.1", ssh=Ssh.model_validate(fields))


def refused(host: Host) -> SshFailure:
    dialer = Dialer()
    try:
        with pytest.raises(SshFailure) as caught:
            dialer.open(host).close()
    finally:
        dialer.close()
    return caught.value


def opened(host: Host) -> list[Finding]:
    """Log in; what was warned of."""
    warned: list[Finding] = []
    dialer = Dialer(warned.append)
    try:
        dialer.open(host).close()
    finally:
        dialer.close()
    return warned


def test_a_host_that_signs_with_sha1_is_refused(home: Path) -> None:
    with SshServer(Sha1Signer.of(HOST_KEY)).serving() as server:
        host = behind(server, known_hosts=server.known(home / "kh"))
        failure = refused(host)
        # It is not asked for a login: nothing is sent to a server that is not believed.
        assert server.offered == []
    assert f"127.0.0.1:{server.port} signs with ssh-rsa" in failure.what
    assert "rsa-sha2-512 was negotiated" in failure.what
    assert "SHA-1" in failure.why
    assert "update" in failure.next


def test_a_host_with_an_rsa_key_signs_with_sha2(home: Path) -> None:
    with SshServer().serving() as server:
        assert opened(behind(server, known_hosts=server.known(home / "kh"))) == []
    assert set(server.agreed) <= {"rsa-sha2-512"}
    assert server.offered == [("root", "password", "of the host")]


def test_an_rsa_key_of_ours_signs_with_sha2_only(home: Path, key: Path) -> None:
    with SshServer().serving() as server:
        signed: list[str] = []
        mine = paramiko.RSAKey.from_private_key_file(str(key))
        made = paramiko.RSAKey.sign_ssh_data

        def sign(self: paramiko.RSAKey, data: bytes, algorithm: str | None = None) -> Any:
            if self == mine:
                signed.append(algorithm or "")
            return made(self, data, algorithm)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(paramiko.RSAKey, "sign_ssh_data", sign)
            opened(behind(server, known_hosts=server.known(home / "kh"), key=key, password=None))
    assert signed == ["rsa-sha2-512"]


def test_an_old_server_gets_no_sha1_signature_of_a_certificate(home: Path, key: Path) -> None:
    """paramiko signs certificates with SHA-1 for a server that says it is OpenSSH 7.4."""
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", "ca"], cwd=home, check=True)
    with key.with_suffix(".pub").open("w") as public:
        subprocess.run(["ssh-keygen", "-y", "-f", key], stdout=public, check=True)
    sign = ["ssh-keygen", "-q", "-s", "ca", "-I", "me", "-n", "root", "id.pub"]
    subprocess.run(sign, cwd=home, check=True, capture_output=True)
    with SshServer(version="OpenSSH_7.4").serving() as server:
        known = server.known(home / "kh")
        failure = refused(behind(server, known_hosts=known, key=key, password=None))
    assert "requires a SHA-1 signature (ssh-rsa-cert-v01@openssh.com)" in failure.what
    assert server.offered == []


def test_nothing_weak_is_offered() -> None:
    assert {"ssh-rsa", "ssh-rsa-cert-v01@openssh.com"} <= set(DISABLED["keys"])
    assert DISABLED["keys"] == DISABLED["pubkeys"]


@pytest.mark.parametrize("name", ["127.0.0.1", "*", "127.0.0.?", "10.*,127.*", "!10.*,*"])
def test_a_key_that_is_known_by_a_pattern_or_without_the_port_is_believed(
    home: Path, name: str
) -> None:
    with SshServer().serving() as server:
        opened(behind(server, known_hosts=server.known(home / "kh", name)))


def test_a_host_that_is_taken_out_of_a_pattern_is_not_known(home: Path) -> None:
    with SshServer().serving() as server:
        known = server.known(home / "kh", "*,!127.*,![127.*")
        assert "is not known" in refused(behind(server, known_hosts=known)).what
    assert server.offered == []


def test_any_of_several_keys_of_one_kind_is_believed(home: Path) -> None:
    other = SshServer(paramiko.RSAKey.generate(1024))
    with SshServer().serving() as server:
        known = other.known(home / "kh", f"[127.0.0.1]:{server.port}")
        host = behind(server, known_hosts=known)
        failure = refused(host)
        assert "HAS CHANGED" in failure.what
        assert f"{known}:1 has a key other than" in failure.why
        assert failure.next.endswith(f"-R '[127.0.0.1]:{server.port}'")
        opened(behind(server, known_hosts=server.known(known)))


def test_a_key_of_the_address_alone_never_outweighs_one_of_the_port(home: Path) -> None:
    other = SshServer(OTHER_KEY)
    with SshServer().serving() as server:
        known = server.known(home / "kh", "127.0.0.1")
        other.known(known, f"[127.0.0.1]:{server.port}")
        assert "HAS CHANGED" in refused(behind(server, known_hosts=known)).what


@pytest.mark.parametrize("accept", ["strict", "accept-new"])
def test_a_revoked_key_is_refused_though_it_is_known(home: Path, accept: str) -> None:
    with SshServer().serving() as server:
        known = server.known(server.known(home / "kh"), "@revoked *")
        failure = refused(behind(server, known_hosts=known, host_keys=accept))
        # Nor is it accepted as a new one.
        fresh = server.known(home / "fresh", "@revoked *")
        assert "REVOKED" in refused(behind(server, known_hosts=fresh, host_keys=accept)).what
    assert f"127.0.0.1:{server.port} is REVOKED" in failure.what
    assert f"{known}:2 revokes" in failure.why
    assert server.offered == []
    assert len(fresh.read_text().splitlines()) == 1


def test_a_certificate_authority_makes_no_host_known(home: Path) -> None:
    with SshServer().serving() as server:
        known = server.known(home / "kh", "@cert-authority *")
        failure = refused(behind(server, known_hosts=known))
        assert f"{known}:1 names a certificate authority" in failure.why
        assert "does not support host certificates" in failure.why
        # But it does not stop one that is known otherwise.
        assert opened(behind(server, known_hosts=server.known(known))) == []


def test_lines_that_cannot_be_read_are_skipped_and_told_of_once(home: Path) -> None:
    known = home / "kh"
    known.write_bytes(b"@cert-authorty * ssh-rsa AAAA\n# fine\nbroken\nx ssh-rsa ?\n\xff\xfe\n")
    with SshServer().serving() as server:
        server.known(known)
        host = behind(server, known_hosts=known)
        warned: list[Finding] = []
        dialer = Dialer(warned.append)
        for _ in range(2):
            dialer.open(host).close()
    [warning] = warned
    assert warning.severity == "warning"
    assert warning.where == f"{known}:1"
    assert "4 lines" in warning.what
    assert "line 3: it does not have the form" in warning.why


def test_a_new_key_is_kept_on_a_line_of_its_own(home: Path) -> None:
    known = home / "kh"
    old = f"10.0.0.9 {OTHER_KEY.get_name()} {OTHER_KEY.get_base64()}"
    known.write_text(old)  # without a newline
    with SshServer().serving() as server:
        opened(behind(server, known_hosts=known, host_keys="accept-new"))
        opened(behind(server, known_hosts=known))
    first, second = known.read_text().splitlines()
    assert first == old
    assert second.startswith(f"[127.0.0.1]:{server.port} ssh-rsa ")


def test_a_bastion_gets_what_is_its_own_and_the_host_what_is_its(home: Path) -> None:
    with SshServer().serving() as host, SshServer().serving() as bastion:
        known = bastion.known(host.known(home / "kh"))
        opened(
            behind(
                host,
                known_hosts=known,
                user="deploy",
                bastion=f"jump@corp.example@127.0.0.1:{bastion.port}",
                bastion_password="of the bastion",
            )
        )
    assert bastion.offered == [("jump@corp.example", "password", "of the bastion")]
    assert host.offered == [("deploy", "password", "of the host")]


@pytest.mark.parametrize("way", ["password", "key"])
def test_what_is_for_a_host_is_not_shown_to_its_bastion(home: Path, key: Path, way: str) -> None:
    with SshServer().serving() as host, SshServer().serving() as bastion:
        known = bastion.known(host.known(home / "kh"))
        failure = refused(
            behind(
                host,
                known_hosts=known,
                bastion=f"127.0.0.1:{bastion.port}",
                key=key if way == "key" else None,
                sudo_password="of sudo",
            )
        )
    assert bastion.offered == []
    assert host.offered == []
    assert f"the bastion root@127.0.0.1:{bastion.port} cannot be reached" in failure.what
    assert "ssh.bastion_key" in failure.next


def test_a_bastions_key_is_its_own(home: Path, key: Path) -> None:
    own = home / "bastion"
    OTHER_KEY.write_private_key_file(str(own))
    with SshServer().serving() as host, SshServer().serving() as bastion:
        known = bastion.known(host.known(home / "kh"))
        opened(
            behind(
                host,
                known_hosts=known,
                key=key,
                password=None,
                bastion=f"127.0.0.1:{bastion.port}",
                bastion_key=own,
            )
        )
    mine = paramiko.RSAKey.from_private_key_file(str(key))
    assert {what for _, _, what in bastion.offered} == {OTHER_KEY.fingerprint}
    assert {what for _, _, what in host.offered} == {mine.fingerprint}


@pytest.mark.parametrize(
    ("ssh", "words"),
    [
        ({}, ["ssh", "root@10.0.0.1"]),
        (
            {"user": "me@corp.example", "port": 2222},
            ["ssh", "-p", "2222", "me@corp.example@10.0.0.1"],
        ),
        (
            {"key": "/a b/id", "known_hosts": "/a b/kh"},
            ["ssh", "-i", "/a b/id", "-o", 'UserKnownHostsFile="/a b/kh"', "root@10.0.0.1"],
        ),
        ({"bastion": "jump"}, ["ssh", "-J", "root@jump:22", "root@10.0.0.1"]),
        ({"bastion": "me@[::1]:23"}, ["ssh", "-J", "me@[::1]:23", "root@10.0.0.1"]),
        (
            {"bastion": "jump:23", "bastion_key": "/50%/id"},
            [
                "ssh",
                "-o",
                "ProxyCommand=ssh -i /50%%/id -p 23 root@jump -W %h:%p",
                "root@10.0.0.1",
            ],
        ),
    ],
)
def test_the_command_by_hand_goes_the_same_way(ssh: dict[str, Any], words: list[str]) -> None:
    host = any_host("w1", Role.WORKER, 1, ssh=Ssh.model_validate(ssh))
    assert shlex.split(Target.of(host).by_hand) == words
    there = shlex.split(Target.of(host).running("top | head"))
    assert there == [*words, "top | head"]
    # ssh itself reads it so.
    asked = subprocess.run(
        ["ssh", "-G", *words[1:]], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "hostname 10.0.0.1" in asked
    assert f"user {ssh.get('user', 'root')}" in asked
    assert f"port {ssh.get('port', 22)}" in asked
