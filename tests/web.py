"""A small web server on this machine that serves what a test puts into it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """One answer.

    Args:
        cut: bytes of the body that are left out, though their number is announced.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


class Web(ThreadingHTTPServer):
    """Pages by path; what is not there is a 404. ``asked`` remembers paths and headers."""

    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Handler)
        self.pages: dict[str, Page | bytes] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = f"http://{address}:{self.server_port}"

    def page(self, path: str, headers: dict[str, str]) -> Page:
        """The answer to a request."""
        del headers
        found = self.pages.get(path, Page(b"nothing here", 404))
        return found if isinstance(found, Page) else Page(found)


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        headers = dict(self.headers.items())
        self.server.asked.append(self.path)
        self.server.headers.append(headers)
        page = self.server.page(self.path, headers)
        self.send_response(page.status)
        for name, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page.body[: len(page.body) - page.cut])

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    """A server that answers until the end."""
    with web:
        threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield web
        finally:
            web.shutdown()
