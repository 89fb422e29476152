"""A host that floods or hangs: bounded in bytes and in time, whatever it is asked."""

from __future__ import annotations

import threading
import time
import tracemalloc
from typing import Any, cast

import paramiko
import pytest

from kubeinstall.engine.lock import RunLock
from kubeinstall.engine.session import Session
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.ssh import channel, connection, shell
from kubeinstall.ssh.agent import Wrap, _Command
from kubeinstall.ssh.channel import Wire
from kubeinstall.ssh.streams import Budget, ConnectionLost, Stream, TooMuchOutput
from tests.unit import played
from tests.unit.clusters import cluster
from tests.unit.played import PlayedClient, run_dir

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("run_dir")]
_ = run_dir
MIB = 1 << 20


@pytest.mark.parametrize(
    "flood",
    ["yes", "yes >&2", "tr '\\0' x </dev/zero", "yes | tee /dev/stderr", "yes ''"],
    ids=["lines", "stderr", "one line", "both", "empty lines"],
)
def test_a_flood_is_ended_at_its_limit(flood: str) -> None:
    client = PlayedClient()
    tracemalloc.start()
    try:
        with (
            played.connection(client, user="root") as live,
            pytest.raises(TooMuchOutput, match="more than 4 MiB"),
        ):
            live.run(flood, Wrap(60, limit=4 * MIB))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * MIB
    assert not client.transport.active
    [used] = client.transport.channels
    assert used.process
    # Its end is the command's: it writes to nobody.
    used.process.wait(10)


@pytest.mark.parametrize("flood", ["yes", "yes '' >&2", "tr '\\0' x </dev/zero"])
def test_a_flood_of_lines_is_told_within_the_same_limit(flood: str) -> None:
    told: list[int] = []
    with played.connection(PlayedClient(), user="root") as live:
        wrap = Wrap(60, limit=MIB >> 2)
        with pytest.raises(TooMuchOutput):
            live.run(flood, wrap, on_line=lambda line: told.append(len(line)))
    assert sum(told) + len(told) <= MIB >> 2


class Endless:
    """A channel that always has more, as fast as it is read."""

    closed = eof_received = False

    def __init__(self, piece: bytes = b"x\n" * 100) -> None:
        self._piece = piece

    def recv_ready(self) -> bool:
        return True

    recv_stderr_ready = recv_ready

    def recv(self, _: int) -> bytes:
        return self._piece

    recv_stderr = recv

    def exit_status_ready(self) -> bool:
        return False


def wire(channel: object) -> Wire:
    made = Wire.__new__(Wire)
    made.channel = cast(Any, channel)
    made._pipes = (channel_pipe(), channel_pipe())
    return made


def channel_pipe() -> Any:
    return channel._Pipe()


@pytest.mark.parametrize("ended", [False, True], ids=["runs", "has ended"])
def test_the_deadline_counts_however_much_there_is_to_read(ended: bool) -> None:
    endless = Endless()
    endless.exit_status_ready = lambda: ended  # type: ignore[method-assign]
    out, err = (Stream("KI1", Budget(1 << 40), lambda _s, _w: None) for _ in range(2))
    out.end()
    err.end()
    began = time.monotonic()
    assert not wire(endless).listen(out, err, lambda: False, lambda: began + 0.2)
    assert time.monotonic() - began < 2


def test_what_ended_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its outputs are read to their end: there may be none."""
    monkeypatch.setattr(channel, "_DRAIN", 0.2)

    class AfterItsEnd(Endless):
        eof_received = True
        first = True

        def recv_ready(self) -> bool:
            self.first, was = False, self.first
            return not was

        recv_stderr_ready = recv_ready

    out, err = (Stream("KI1", Budget(1 << 40), lambda _s, _w: None) for _ in range(2))
    out.end()
    err.end()
    ended = AfterItsEnd()
    ended.recv_stderr_ready = lambda: False  # type: ignore[method-assign]
    began = time.monotonic()
    assert wire(ended).listen(out, err, lambda: False, lambda: began + 60)
    assert time.monotonic() - began < 5


def test_a_host_cannot_prolong_its_time_again_and_again() -> None:
    """`wait` and `go` each count once: the host knows the mark."""
    notices: list[str] = []
    command = _Command("KI1", Wrap(10), None, notices.append)
    began = time.monotonic()
    command.err.add(b"\nKI1 wait\n")
    assert command.deadline < began + 10 + 1000
    with pytest.raises(ConnectionLost, match="cannot be parsed"):
        command.err.add(b"\nKI1 wait\n")
    command.err.add(b"\nKI1 go\n")
    assert command.deadline < began + 60
    with pytest.raises(ConnectionLost, match="cannot be parsed"):
        command.err.add(b"\nKI1 go\n")
    assert len(notices) == 1


@pytest.mark.parametrize(
    "words",
    ["9" * 5000, "1234", "0 " + "9" * 16, "٣", "²", "-1", "0 0 0", "", "begin begin", "1e3"],
)
def test_an_exit_code_is_a_small_number(words: str) -> None:
    client = PlayedClient()
    with played.connection(client, user="root") as live:
        live.become_root()
        script = f"""
            mark=$(tr '\\0' '\\n' </proc/$$/cmdline | grep '^KI')
            printf '\\n%s %s\\n' "$mark" '{words}'; sleep 2"""
        with pytest.raises(ConnectionLost, match="cannot be parsed"):
            live.run(script, Wrap(5))


def test_what_is_sent_unasked_is_bounded_too() -> None:
    """Nobody reads an idle channel, and paramiko takes more than the window it granted."""
    pipe = channel_pipe()
    with pytest.raises(paramiko.SSHException, match="more data than allowed"):
        for _ in range(1000):
            pipe.feed(b"x" * (1 << 16))
    assert pipe.overrun
    assert len(pipe) <= 8 * MIB


def test_a_host_that_does_not_start_the_program_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "_REPLY", 0.1)

    class Silent(Endless):
        def __init__(self) -> None:
            self._closed = threading.Event()

        def close(self) -> None:
            self._closed.set()

        def exec_command(self, _: str) -> None:
            assert self._closed.wait(5)
            raise paramiko.SSHException("Channel closed.")

    with pytest.raises(ConnectionLost, match=r"Channel closed\."):
        Wire(cast(Any, Silent()), "x")


def test_a_login_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_PATIENCE", 0.3)
    client = PlayedClient(lambda _: ["sh", "-c", "echo wait for it; exec sleep 20"])
    with (
        played.connection(client, user="root") as live,
        pytest.raises(shell.NoShell, match="wait for it"),
    ):
        live._uid()


def test_sudo_that_floods_when_it_is_given_the_password(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\nyes\n")
    sudo.chmod(0o755)
    monkeypatch.setattr(shell, "_WASH", f"PATH={tmp_path}:$PATH; " + shell._WASH[5:])
    monkeypatch.setattr(connection, "_WITH_PASSWORD", [str(sudo)])
    with played.connection(PlayedClient(), user="ops") as live, pytest.raises(TooMuchOutput):
        live._with_password("sesame")


def test_the_lock_of_a_host_that_floods_is_not_taken() -> None:
    client = PlayedClient(lambda line: ["sh", "-c", line.replace("p=$(head", "yes; p=$(head")])
    with (
        played.connection(client, user="root") as live,
        pytest.raises(TooMuchOutput, match="64 KiB"),
    ):
        RunLock.take(live)


def test_the_finding_names_the_host_and_what_became_of_the_command() -> None:
    session = Session(cluster())
    finding = session.lost("w1", "a question to the host", TooMuchOutput(32 * MIB))
    assert (finding.kind, finding.where) == (Kind.CONNECT, "w1")
    assert "printed too much" in finding.what
    assert "32 MiB; it was stopped and the connection to the host was closed" in finding.why


def test_lines_for_people_are_short() -> None:
    lines: list[str] = []
    session = Session(cluster(), on_line=lambda _, line: lines.append(line))
    session.line("w1", "x" * 100_000)
    assert len(lines[0]) < 2100


def test_a_host_that_was_left_is_asked_nothing_more() -> None:
    client = PlayedClient()
    session = Session(cluster())
    with played.connection(client, user="root") as live:
        session._connections["w1"] = live
        with pytest.raises(KubeinstallError, match="printed too much"):
            session.ask("w1", "yes")
        assert session.failures["w1"].kind is Kind.CONNECT
        with pytest.raises(KubeinstallError, match="printed too much"):
            session.ask("w1", "true")
