"""A small ssh server on this machine that remembers what it was offered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_SUCCEEDED,
)
from paramiko.message import Message

HOST_KEY = paramiko.RSAKey.generate(2048)


class Sha1Signer(paramiko.RSAKey):
    """A host key that signs with SHA-1 whatever was agreed on."""

    @classmethod
    def of(cls, key: paramiko.RSAKey) -> Sha1Signer:
        return cls(key=key.key)

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Message:
        del algorithm
        return super().sign_ssh_data(data, "ssh-rsa")


@dataclass
class SshServer:
    """Lets everybody in who shows something, and forwards.

    Args:
        key: its host key.
        version: what it says that it is.
        offered: what each login offered: user, method, and the password or the key's fingerprint.
        agreed: the host key algorithms that were agreed on.
        ways: login methods that succeed.
    """

    key: paramiko.PKey = HOST_KEY
    version: str = ""
    ways: Sequence[str] = ("publickey", "password")
    offered: list[tuple[str, str, str]] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    port: int = 0

    def known(self, path: Path, name: str = "") -> Path:
        """Put its key into a known_hosts file."""
        with path.open("a") as file:
            named = name or f"[127.0.0.1]:{self.port}"
            file.write(f"{named} {self.key.get_name()} {self.key.get_base64()}\n")
        return path

    @contextmanager
    def serving(self) -> Iterator[SshServer]:
        """A server that answers until the end."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
            threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
            try:
                yield self
            finally:
                listening.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                transport = paramiko.Transport(connection)
                if self.version:
                    transport.local_version = f"SSH-2.0-{self.version}"
                transport.add_server_key(self.key)
                with suppress(paramiko.SSHException, EOFError):
                    transport.start_server(event=threading.Event(), server=_Login(self, transport))


class _Login(paramiko.ServerInterface):
    def __init__(self, server: SshServer, transport: paramiko.Transport) -> None:
        self._server = server
        self._transport = transport

    def get_allowed_auths(self, username: str) -> str:
        del username
        self._server.agreed.append(str(self._transport.host_key_type))
        return "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._offered(username, "publickey", key.fingerprint)

    def check_auth_password(self, username: str, password: str) -> int:
        return self._offered(username, "password", password)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        del origin
        threading.Thread(target=self._forward, args=(chanid, destination), daemon=True).start()
        return OPEN_SUCCEEDED

    def _offered(self, username: str, method: str, what: str) -> int:
        self._server.offered.append((username, method, what))
        return AUTH_SUCCESSFUL if method in self._server.ways else AUTH_FAILED

    def _forward(self, chanid: int, destination: tuple[str, int]) -> None:
        channel = self._transport.accept(10)
        assert channel is not None
        assert channel.get_id() == chanid
        with socket.create_connection(destination) as other:
            back = threading.Thread(target=_copy, args=(other, channel), daemon=True)
            back.start()
            _copy(channel, other)
            back.join(10)


def _copy(source: socket.socket | paramiko.Channel, to: socket.socket | paramiko.Channel) -> None:
    with suppress(OSError, EOFError):
        while piece := source.recv(65536):
            to.sendall(piece)
    with suppress(OSError, EOFError):
        to.close()
