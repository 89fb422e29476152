"""A small HTTP forward proxy that remembers what it was asked for."""

from __future__ import annotations

import select
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = ("proxy-authorization", "proxy-connection", "connection", "keep-alive")


class ForwardProxy(ThreadingHTTPServer):
    """A proxy for plain requests and CONNECT.

    Args:
        login: ``user:password`` that it wants; None: it takes everyone.
    """

    daemon_threads = True

    def __init__(self, address: str, port: int, login: str | None = None) -> None:
        super().__init__((address, port), _Handler)
        self.login = login
        self.asked: list[str] = []
        """``host:port`` of every request that was let through."""
        self.refused = 0


class _Handler(BaseHTTPRequestHandler):
    server: ForwardProxy

    def _allowed(self) -> bool:
        wanted = self.server.login
        given = self.headers.get("Proxy-Authorization", "")
        if wanted is None or given == f"Basic {b64encode(wanted.encode()).decode()}":
            return True
        self.server.refused += 1
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="test"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _forward(self) -> None:
        if not self._allowed():
            return
        parts = urlsplit(self.path)
        self.server.asked.append(f"{parts.hostname}:{parts.port or 80}")
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        try:
            connection.request(self.command, target, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            self.send_error(502, str(error))
            return
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in (*_HOP_BY_HOP, "transfer-encoding", "content-length"):
                self.send_header(key, value)
        size = answer.getheader("Content-Length", "0") if self.command == "HEAD" else len(body)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = _forward

    def do_CONNECT(self) -> None:
        if not self._allowed():
            return
        self.server.asked.append(self.path)
        host, _, port = self.path.rpartition(":")
        try:
            there = socket.create_connection((host, int(port)), timeout=20)
        except OSError as error:
            self.send_error(502, str(error))
            return
        self.send_response(200)
        self.end_headers()
        with there:
            _pass_on(self.connection, there)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        del format, args


def _pass_on(here: socket.socket, there: socket.socket) -> None:
    while True:
        for one in select.select([here, there], [], [], 60)[0]:
            data = one.recv(65536)
            if not data:
                return
            (there if one is here else here).sendall(data)


@contextmanager
def forward_proxy(address: str, port: int, login: str | None = None) -> Iterator[ForwardProxy]:
    """A proxy that listens until the end."""
    with ForwardProxy(address, port, login) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
