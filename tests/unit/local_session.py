"""A session whose hosts are this machine's shell: real scripts, real facts, no ssh."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Deploy, Event, Output, Step
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.ssh.agent import TAKE, Wrap
from kubeinstall.ssh.channel import CommandTimeout, Upload
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.streams import ConnectionLost


def steps(*deploys: Callable[[], object]) -> list[Step[None]]:
    """Deploys that are handed nothing."""
    return [Step(_handed(deploy), None) for deploy in deploys]


@cache
def _handed(deploy: Callable[[], object]) -> Deploy[None]:
    """The same for the same deploy: what it asks for is learned by it."""

    def call(*, inputs: None) -> None:
        del inputs
        deploy()

    return call


def given(stdin: str | bytes | Upload | None) -> bytes:
    """What a command reads, in one piece."""
    if isinstance(stdin, Upload):
        return b"".join(stdin.pieces())
    return stdin.encode() if isinstance(stdin, str) else stdin or b""


class LocalConnection:
    """Runs scripts here and remembers them."""

    def __init__(self) -> None:
        self.scripts: list[str] = []
        self.lost = False
        self._interrupted = threading.Event()

    def run(
        self,
        script: str,
        wrap: Wrap,
        *,
        stdin: str | bytes | Upload | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Output:
        self.scripts.append(script)
        if self.lost or self._interrupted.is_set():
            raise ConnectionLost("cut")
        process = subprocess.Popen(
            ["sh", "-c", script if wrap.spool else f"{TAKE}() {{ cat; }}\n{script}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(given(stdin), timeout=wrap.timeout)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise CommandTimeout(wrap.timeout, ended=True) from error
        if self._interrupted.is_set():
            raise ConnectionLost("cut")
        for line in out.decode().splitlines() if on_line else []:
            if on_line:
                on_line(line)
        return Output(process.returncode, out.decode(), err.decode())

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        pass


class LocalSession(Session):
    """A connected session; ``events`` and ``lines`` are what it told."""

    def __init__(self, cluster: Cluster, **arguments: Any) -> None:
        self.events: list[Event] = []
        self.lines: list[str] = []
        super().__init__(
            cluster,
            emit=self.events.append,
            on_line=lambda host, line: self.lines.append(f"{host}: {line}"),
            **arguments,
        )
        self.shells: dict[str, LocalConnection] = {}
        self.connect()

    def _dial(self, host: Host) -> Connection:
        self.shells[host.name] = LocalConnection()
        return cast(Connection, self.shells[host.name])
