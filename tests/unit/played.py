"""An ssh connection that is played: real shells of this machine behind a channel of paramiko's."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import paramiko
import pytest
from paramiko import pipe
from paramiko.buffered_pipe import BufferedPipe

from kubeinstall.engine import lock
from kubeinstall.inventory.model import Role, Ssh
from kubeinstall.ssh import agent
from kubeinstall.ssh.connection import Connection
from tests.unit.clusters import host

Login = Callable[[str], Sequence[str]]
"""From the line that sshd is sent to what it runs."""


def plain(line: str) -> list[str]:
    """A login that just runs what it is given."""
    return ["sh", "-c", line]


class PlayedChannel:
    """A session channel whose program runs here.

    Args:
        cut: bytes of its input after which the connection is lost.
        environment: what the login has set.
    """

    def __init__(
        self,
        transport: PlayedTransport,
        login: Login,
        cut: int | None,
        environment: dict[str, str],
    ) -> None:
        self.in_buffer: Any = BufferedPipe()
        self.in_stderr_buffer: Any = BufferedPipe()
        self.closed = False
        self.eof_received = False
        self.process: subprocess.Popen[bytes] | None = None
        self.line = ""
        self.sent = b""
        self._transport = transport
        self._login = login
        self._left = cut
        self._environment = environment
        self._guard = threading.Lock()
        self._open_streams = 2

    def exec_command(self, line: str) -> None:
        self.line = line
        self.process = subprocess.Popen(
            self._login(line),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )

    def fileno(self) -> int:
        self._pipe = pipe.make_pipe()
        one, two = pipe.make_or_pipe(self._pipe)
        self.in_buffer.set_event(one)
        self.in_stderr_buffer.set_event(two)
        assert self.process
        for stream, buffer in (
            (self.process.stdout, self.in_buffer),
            (self.process.stderr, self.in_stderr_buffer),
        ):
            threading.Thread(target=self._read, args=(stream, buffer), daemon=True).start()
        return self._pipe.fileno()

    def sendall(self, data: bytes) -> None:
        assert self.process
        assert self.process.stdin
        if self.closed:
            raise OSError("Socket is closed")
        lost = self._left is not None and len(data) > self._left
        piece = data[: self._left] if lost else data
        self.sent += piece
        if self._left is not None:
            self._left -= len(piece)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(piece)
            self.process.stdin.flush()
        if lost:
            self._transport.active = False
            self.close()

    def shutdown_write(self) -> None:
        assert self.process
        assert self.process.stdin
        self.process.stdin.close()

    def settimeout(self, seconds: float | None) -> None: ...

    def recv_ready(self) -> bool:
        return bool(self.in_buffer.read_ready())

    def recv_stderr_ready(self) -> bool:
        return bool(self.in_stderr_buffer.read_ready())

    def recv(self, size: int) -> bytes:
        return bytes(self.in_buffer.read(size))

    def recv_stderr(self, size: int) -> bytes:
        return bytes(self.in_stderr_buffer.read(size))

    def exit_status_ready(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def get_transport(self) -> PlayedTransport:
        return self._transport

    def close(self) -> None:
        with self._guard:
            self.closed = True
        if self.process and self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def _read(self, stream: Any, buffer: Any) -> None:
        # As a window does: no more is taken from the program than somebody reads.
        while not self.closed and (data := os.read(stream.fileno(), 1 << 16)):
            while len(buffer) > 1 << 20 and not self.closed:
                threading.Event().wait(0.001)
            try:
                buffer.feed(data)
            except paramiko.SSHException:
                self._transport.active = False
                break
        with self._guard:
            self._open_streams -= 1
            if self._open_streams == 0 or self.closed:
                self.eof_received = True
                self._pipe.set_forever()
        stream.close()


class PlayedTransport:
    """Opens such channels; ``channels`` are those it opened."""

    def __init__(self, login: Login, environment: dict[str, str]) -> None:
        self.active = True
        self.login = login
        self.environment = environment
        self.channels: list[PlayedChannel] = []
        self.cut: int | None = None

    def is_active(self) -> bool:
        return self.active

    def get_exception(self) -> None:
        return None

    def open_session(self, timeout: float) -> PlayedChannel:
        del timeout
        channel = PlayedChannel(self, self.login, self.cut, self.environment)
        self.channels.append(channel)
        return channel


class PlayedClient:
    """A client with such a transport."""

    def __init__(self, login: Login = plain, **environment: str) -> None:
        given = {"PATH": os.environ["PATH"], "HOME": "/", **environment}
        self.transport = PlayedTransport(login, given)

    def get_transport(self) -> PlayedTransport:
        return self.transport

    def close(self) -> None:
        self.transport.active = False
        for channel in self.transport.channels:
            channel.close()


@contextlib.contextmanager
def connection(
    client: PlayedClient, until: Callable[[], float | None] = lambda: None, **ssh: Any
) -> Iterator[Connection]:
    """A connection over it, of the user that runs the tests."""
    machine = host("h1", Role.WORKER, 1, ssh=Ssh.model_validate(ssh))
    made = Connection(machine, cast(Any, client), lambda _: None, until)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where locks are kept: no folder of the machine's."""
    folder = tmp_path / "run"
    monkeypatch.setattr(agent, "RUN_DIR", str(folder))
    monkeypatch.setattr(lock, "RUN_DIR", str(folder))
    return folder
