"""A server that sends without bounds before anything is known of it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import paramiko
import pytest

from kubeinstall.ssh.transport import preferring

pytestmark = pytest.mark.unit


@contextmanager
def server(act: Callable[[socket.socket], object]) -> Iterator[socket.socket]:
    """Our end of a connection to a server that does this."""
    ours, theirs = socket.socketpair()

    def run() -> None:
        with suppress(OSError):
            act(theirs)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        ours.close()
        theirs.close()
        thread.join(5)


def huge_packet(sock: socket.socket) -> None:
    sock.sendall(b"SSH-2.0-x\r\n" + struct.pack(">I", 0xFFFFFFF4) + b"x" * 64)
    while True:
        sock.sendall(b"x" * 65536)


def banner_without_end(sock: socket.socket) -> None:
    while True:
        sock.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    ("act", "why"),
    [(huge_packet, "not an ssh packet"), (banner_without_end, "first 64 KiB")],
)
def test_it_is_left_after_some_kilobytes(act: Callable[[socket.socket], None], why: str) -> None:
    with server(act) as sock:
        transport = preferring([])(sock)
        transport.banner_timeout = 10
        try:
            with pytest.raises(paramiko.SSHException, match=why):
                transport.start_client(timeout=20)
        finally:
            transport.close()


def test_a_connection_at_rest_costs_one_look_a_second() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert preferring([])(ours).sock.gettimeout() == 1
