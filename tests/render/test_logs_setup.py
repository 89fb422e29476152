"""Elasticsearch's users and retention: the addon's script against a server that forgets."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.render.test_logs import of
from tests.waiting import until

pytestmark = pytest.mark.render

PASSWORDS = {"elastic": "first", "kibana_system": "second", "shipper": "third"}


class Elasticsearch(ThreadingHTTPServer):
    """What the script asks of it; as after a start with no data, only elastic is known."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.forget()

    def forget(self) -> None:
        """Start anew, with none of its data."""
        self.users = {"elastic": PASSWORDS["elastic"]}
        self.kept: dict[str, Any] = {}

    @property
    def is_set_up(self) -> bool:
        paths = {"/_security/role/logs_writer", "/_index_template/logs-kubernetes"}
        return self.users == PASSWORDS and set(self.kept) == paths


class Handler(BaseHTTPRequestHandler):
    """One request to it."""

    server: Elasticsearch

    def _answer(self) -> None:
        given = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode()
        user, _, password = given.partition(":")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        known = self.server.users.get(user) == password
        self.send_response(self._status(user, body) if known else 401)
        self.end_headers()

    def _status(self, user: str, body: bytes) -> int:
        if self.command == "GET":
            found = self.path in self.server.kept or self.path == "/_security/_authenticate"
            return 200 if found else 404
        if user != "elastic":
            return 403
        said = json.loads(body)
        if "/_security/user/" in self.path:
            assert said.get("roles") == (["logs_writer"] if "shipper" in self.path else None)
            self.server.users[self.path.split("/")[3]] = said["password"]
        else:
            self.server.kept[self.path] = said
        return 200

    do_GET = do_PUT = do_POST = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: it is asked on and on."""


@pytest.fixture
def elasticsearch() -> Iterator[Elasticsearch]:
    server = Elasticsearch()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def script(tmp_path: Path, elasticsearch: Elasticsearch) -> Iterator[Path]:
    """The folder in which the addon's script runs."""
    [setup] = of("elasticsearch", "default", "ConfigMap")
    for name, text in setup["data"].items():
        (tmp_path / name).write_text(text)
    here = {
        "https://elasticsearch.logging.svc:9200": f"http://127.0.0.1:{elasticsearch.server_port}",
        "cd /tmp": f"cd {tmp_path}",
        "@/setup/": f"@{tmp_path}/",
        "sleep 30": "sleep 0.1",
    }
    text = setup["data"]["setup.sh"]
    for old, new in here.items():
        assert old in text
        text = text.replace(old, new)
    passwords = {
        "ELASTIC_PASSWORD": PASSWORDS["elastic"],
        "KIBANA_PASSWORD": PASSWORDS["kibana_system"],
        "SHIPPER_PASSWORD": PASSWORDS["shipper"],
    }
    running = subprocess.Popen(["bash", "-c", text], env={**os.environ, **passwords})
    yield tmp_path
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0


def test_it_is_set_up_again_when_elasticsearch_has_forgotten(
    script: Path, elasticsearch: Elasticsearch
) -> None:
    until((script / "done").exists)
    assert elasticsearch.is_set_up
    elasticsearch.forget()
    until(lambda: elasticsearch.is_set_up)
    retention = elasticsearch.kept["/_index_template/logs-kubernetes"]["template"]["lifecycle"]
    assert retention == {"data_retention": "7d"}
