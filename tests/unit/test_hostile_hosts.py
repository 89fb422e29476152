"""A host that answers everything with escape sequences, through the real commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest

from kubeinstall.cli import run
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Output
from kubeinstall.inventory.model import Host
from kubeinstall.ssh.agent import Wrap
from kubeinstall.ssh.connection import Connection
from tests.unit.test_exits import CLIPBOARD, HOSTILE, harmless

pytestmark = pytest.mark.unit

INVENTORY = """\
cluster:
  kubernetes: 1.36.2
  runtime:
    registries:
      hub.lab: {username: robot, password: correct-horse}
groups:
  control_plane: {hosts: {cp1: {address: 192.0.2.1}}}
  workers: {hosts: {w1: {address: 192.0.2.2}}}
"""
SAID = HOSTILE.replace("\ud800", "") + " correct-horse abcdef.0123456789abcdef."
MARK = re.compile(r"printf '\\n(KI[0-9a-f]{16}) ")


class Hostile:
    """A connection to a host that says the same to everything, with the mark that ends an answer.

    Args:
        said: what it says.
        codes: exit codes, in turn.
    """

    def __init__(self, said: str, codes: tuple[int, ...]) -> None:
        self._said = said
        self._codes = codes
        self.asked = 0

    def run(self, script: str, wrap: Wrap, *, on_line: Any = None, **_: Any) -> Output:
        del wrap
        self.asked += 1
        code = self._codes[self.asked % len(self._codes)]
        marks = MARK.findall(script)
        text = "".join(f"{self._said}\n{mark} {code}\n" for mark in marks) or f"{self._said}\n"
        for line in text.split("\n") if on_line else ():
            on_line(line)
        return Output(code, text, f"{self._said}\n")

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


ANSWERS = {
    "codes": SAID,
    "os-release": f'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="{SAID}"\nVERSION_CODENAME={CLIPBOARD}',
    "pairs": f"begun={SAID}\ncluster={SAID}\nconfig={SAID}",
    "JSON": '{"kind":"List","items":[{"kind":"Node","metadata":{"name":"\\u001b]52;c;x\\u0007"},'
    '"status":{"nodeInfo":{"kubeletVersion":"\\u001b[2J"},"conditions":[{"type":"Ready",'
    '"status":"False","message":"\\u009b31m\\u202e\\ud800 correct-horse"}]},"spec":{}}]}',
    "flood": "x" * 300_000,
}
COMMANDS = {
    "status": ("status",),
    "status as JSON": ("status", "--json"),
    "verify": ("verify",),
    "verify as JSON": ("verify", "--format", "json"),
    "verify as JUnit": ("verify", "--format", "junit"),
    "plan": ("plan", "--plain"),
    "plan as JSON": ("plan", "--json"),
    "addon diff": ("addon", "diff"),
    "kubeconfig": ("kubeconfig",),
    "up": ("up", "-y", "-v", "--plain", "--events", "EVENTS"),
    "reset": ("reset", "-y", "--plain"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_of_it_reaches_the_terminal(
    command: str,
    answer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "cluster.yaml"
    file.write_text(INVENTORY)
    played: list[Hostile] = []

    def connect(self: Session, host: Host) -> None:
        played.append(Hostile(ANSWERS[answer], (0, 1)))
        self._connections[host.name] = cast(Connection, played[-1])

    monkeypatch.setattr(Session, "_connect", connect)
    # Nothing that a hostile host says gets better by waiting.
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("kubeinstall.engine.lock.RunLock.take", lambda *_, **__: Lock())
    events = tmp_path / "events"
    words = [str(events) if word == "EVENTS" else word for word in COMMANDS[command]]
    first, *rest = words
    where = (
        [first, *rest[:1], "-i", str(file), *rest[1:]]
        if first == "addon"
        else [first, "-i", str(file), *rest]
    )
    code = run(where)
    captured = capsys.readouterr()
    said = captured.out + captured.err + (events.read_text() if events.exists() else "")
    assert any(one.asked for one in played)
    assert code, "a host that answers so is not well"
    assert harmless(said)
    if command in ("status", "verify") and answer == "codes":
        assert "\\x1b]52" in said
    assert "correct-horse" not in said
    assert "abcdef.0123456789abcdef" not in said
    assert len(said) < 1_000_000
    assert "Traceback" not in said


class Lock:
    """A lock that nobody else wants."""

    def release(self) -> None: ...

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None
