"""A connection that is lost in the middle: what came only in part is neither run nor put in place.

The input is cut after every few bytes there are.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubeinstall.engine.connector import LiveConnector
from kubeinstall.ssh import agent
from kubeinstall.ssh.agent import Lock, Wrap
from kubeinstall.ssh.channel import CommandTimeout
from kubeinstall.ssh.clock import now
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.streams import ConnectionLost
from tests.unit import played
from tests.unit.played import PlayedClient, run_dir

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("run_dir")]
_ = run_dir


@pytest.fixture
def live() -> Iterator[tuple[Connection, PlayedClient]]:
    client = PlayedClient()
    with played.connection(client, user="root") as connection:
        connection.become_root()
        yield connection, client


def cut_everywhere(act: Callable[[Connection], object], step: int = 1) -> Iterator[int]:
    """Do something over connections that are lost a little later each time; yields after each."""
    left = 1
    while True:
        client = PlayedClient()
        with played.connection(client, user="root") as connection:
            connection.become_root()
            [channel] = client.transport.channels
            channel._left = left
            try:
                act(connection)
            except ConnectionLost:
                assert channel.process
                channel.process.wait(10)
                yield left
            else:
                return
        left += step


def test_a_script_runs_whole_or_not_at_all(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = f"echo >{ran}; rm -rf {tmp_path}/data-of-another-name"
    (tmp_path / "data").mkdir()
    cuts = 0
    for _ in cut_everywhere(lambda c: c.run(script, Wrap(5, Lock.NONE)), step=4):
        cuts += 1
        assert not ran.exists()
        assert (tmp_path / "data").exists()
    assert cuts > 15
    assert ran.exists()


def test_a_program_does_not_take_the_end_of_a_cut_input_for_its_end(tmp_path: Path) -> None:
    applied = tmp_path / "applied"
    script = f"echo begun >{tmp_path}/begun; cat >{applied}"
    document = "kind: List\n---\nkind: Secret\n"
    for _ in cut_everywhere(lambda c: c.run(script, Wrap(5, Lock.NONE), stdin=document), step=7):
        assert not applied.exists()
        assert not (tmp_path / "begun").exists()
    assert applied.read_text() == document


def connector(connection: Connection) -> LiveConnector:
    return LiveConnector(None, None, connection, 10, lambda: None, None)


@pytest.mark.parametrize("whole", [b"new content\n" * 5, b""], ids=["some", "empty"])
def test_a_file_is_put_in_place_whole_or_stays_as_it_was(tmp_path: Path, whole: bytes) -> None:
    target = tmp_path / "a file"
    target.write_bytes(b"old")
    target.chmod(0o640)

    def put(connection: Connection) -> None:
        if not connector(connection).put_file(io.BytesIO(whole), str(target)):
            raise ConnectionLost("told")

    for _ in cut_everywhere(put, step=23):
        assert target.read_bytes() == b"old"
        assert [path.name for path in tmp_path.iterdir() if path.name != "run"] == ["a file"]
    assert target.read_bytes() == whole
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_large_file_of_ours_that_shrinks_meanwhile_is_not_put_in_place(
    tmp_path: Path, live: tuple[Connection, PlayedClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, _ = live
    file, target = tmp_path / "file", tmp_path / "target"
    file.write_bytes(os.urandom(1000))
    from kubeinstall.ssh.channel import Upload

    upload = Upload.of(str(file))
    monkeypatch.setattr(Upload, "of", lambda _: upload)
    file.write_bytes(b"short")
    with pytest.raises(ConnectionLost):
        connector(connection).put_file(str(file), str(target))
    assert not target.exists()


def test_where_there_is_no_room_for_the_input_the_script_does_not_run(
    tmp_path: Path, live: tuple[Connection, PlayedClient]
) -> None:
    connection, client = live
    ran = tmp_path / "ran"
    # The file system's end is played by a limit on the size of files.
    connection.run("true", Wrap(5, Lock.NONE))
    monkey = agent._ONE.replace("_ki_script=", "ulimit -f 1; trap '' XFSZ; _ki_script=", 1)
    original, agent._ONE = agent._ONE, monkey
    try:
        connection._retire()
        done = connection.run(f"touch {ran}; cat", Wrap(5, Lock.NONE), stdin="x" * 100_000)
    finally:
        agent._ONE = original
    assert done.exit_code == 74
    assert "too large" in done.stderr
    assert not ran.exists()
    # The rest of the input was not read, so that shell is not used again.
    connection._retire()
    assert connection.run("echo next", Wrap(5, Lock.NONE)).stdout == "next\n"
    assert len(client.transport.channels) >= 3


@pytest.mark.parametrize("stdin", ["", "x", "first\nsecond", "ends\n\n\n", "é\0ü\n", "KI0-1 0\n"])
def test_what_comes_whole_is_what_was_sent(
    live: tuple[Connection, PlayedClient], stdin: str
) -> None:
    connection, _ = live
    assert connection.run("cat", Wrap(5, Lock.NONE), stdin=stdin).stdout == stdin
    # A program may open it by name, as kubeadm does.
    by_name = connection.run("cat /dev/stdin /dev/stdin", Wrap(5, Lock.NONE), stdin=stdin)
    assert by_name.stdout == stdin * 2 or stdin == ""
    # What is not read is not read by the next one.
    assert connection.run("true", Wrap(5, Lock.NONE), stdin="echo x\n" * 50).ok
    assert connection.run("cat", Wrap(5, Lock.NONE)).stdout == ""


def test_no_input_is_left_in_a_file(live: tuple[Connection, PlayedClient], run_dir: Path) -> None:
    connection, _ = live
    listed = connection.run(f"cat >/dev/null; ls -A {run_dir}", Wrap(5), stdin="secret")
    assert listed.stdout.split() == ["op.lock"]
    mode = connection.run("stat -Lc %a /dev/stdin", Wrap(5), stdin="secret")
    assert mode.stdout == "600\n"


def test_a_script_may_use_every_name_and_argument(live: tuple[Connection, PlayedClient]) -> None:
    connection, _ = live
    done = connection.run('echo "$# $1"; set -eu; trap "echo bye" EXIT; cat', Wrap(5), stdin="x\n")
    assert done.stdout == "0 \nx\nbye\n"
    assert connection.run("if then (((", Wrap(5)).exit_code != 0
    assert connection.run("exit 3", Wrap(5)).exit_code == 3


def test_a_command_that_comes_too_late_does_not_run(tmp_path: Path) -> None:
    """Its time is on it, in the host's own clock: it may have been under way for long."""
    ran = tmp_path / "ran"
    times = [now() - 1] * 3
    with played.connection(
        PlayedClient(), until=lambda: times.pop() if times else now() + 9, user="root"
    ) as connection:
        # Three are asked for by the shell's start and the first try; then it is in time.
        connection.run(f"echo x >>{ran}; cat", Wrap(5), stdin="fed")
        assert not times
        assert ran.read_text() == "x\n"
    target = tmp_path / "target"
    with played.connection(PlayedClient(), until=lambda: now() - 1, user="root") as connection:
        with pytest.raises(CommandTimeout):
            connection.run(f"touch {target}", Wrap(5))
        with pytest.raises(CommandTimeout):
            connector(connection).put_file(io.BytesIO(b"new"), str(target))
    assert not target.exists()


def test_a_file_with_a_strange_name_is_written(
    tmp_path: Path, live: tuple[Connection, PlayedClient]
) -> None:
    connection, _ = live
    target = tmp_path / "it's $(a) file"
    assert connector(connection).put_file(io.StringIO("é"), str(target))
    assert target.read_text() == "é"
    assert target.stat().st_mode & 0o777 == 0o600
    assert not connector(connection).put_file(io.StringIO("é"), "/no/such/folder/file")
    assert connection.run("cat", Wrap(5), stdin="next").stdout == "next"
