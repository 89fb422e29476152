"""The lock of a run: held while its heartbeats are answered, and nothing is changed without it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pyinfra.api.deploy import deploy
from pyinfra.operations import server

from kubeinstall.engine import lock
from kubeinstall.engine.lock import LockLost, RunLock
from kubeinstall.engine.session import Session
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.phases.phase import Phase
from kubeinstall.run.runner import execute
from kubeinstall.ssh import clock
from kubeinstall.ssh.agent import Wrap
from kubeinstall.ssh.connection import Connection
from tests.unit import played
from tests.unit.clusters import cluster
from tests.unit.local_session import steps
from tests.unit.played import PlayedClient, run_dir
from tests.unit.played_session import played_run
from tests.waiting import until

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("run_dir")]
_ = run_dir
PATIENCE = 2.0


class PlayedSession(Session):
    """A session over played connections; ``clients`` by host."""

    def __init__(self, of: Cluster) -> None:
        super().__init__(of, patience=PATIENCE)
        self.clients: dict[str, PlayedClient] = {}
        self.connect()

    def _dial(self, host: Host) -> Connection:
        client = self.clients[host.name] = PlayedClient()
        live = Connection(host, cast(Any, client), lambda _: None, self._until)
        live.become_root()
        return live


@pytest.fixture
def live() -> Iterator[Connection]:
    with played.connection(PlayedClient(), user="root") as connection:
        yield connection


@pytest.fixture
def other() -> Iterator[Connection]:
    with played.connection(PlayedClient(), user="root") as connection:
        yield connection


def asleep(held: RunLock) -> threading.Event:
    """No heartbeat of it arrives any more, as when its machine is asleep, until it is awake."""
    awake = threading.Event()
    send = held._shell.wire.send

    def late(data: bytes) -> None:
        awake.wait(30)
        send(data)

    held._shell.wire.send = late  # type: ignore[assignment]
    return awake


def taken(connection: Connection) -> RunLock | None:
    try:
        return RunLock.take(connection, PATIENCE)
    except KubeinstallError as error:
        assert error.exit_code == 16
        return None


def is_locked(session: Session) -> bool:
    try:
        session.lock()
    except KubeinstallError:
        return False
    return True


def test_it_is_held_for_as_long_as_its_heartbeats_are_answered(
    live: Connection, other: Connection
) -> None:
    held = RunLock.take(live, PATIENCE)
    began = held.until()
    until(lambda: held.until() > began + 2 * PATIENCE)
    with pytest.raises(KubeinstallError, match="the lock is held by"):
        RunLock.take(other, PATIENCE)
    held.release()
    until(lambda: taken(other) is not None)


def test_it_is_sure_for_less_time_than_the_host_has_patience(live: Connection) -> None:
    held = RunLock.take(live, 40)
    assert 20 < held.until() - clock.now() <= 30
    held.release()


def test_who_was_asleep_for_too_long_changes_nothing_and_is_told_who_has_it(
    live: Connection, other: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = threading.Event()
    held = RunLock.take(live, PATIENCE, lost.set)
    live._until = held.until
    live.run("true", Wrap(5))
    awake = asleep(held)
    monkeypatch.setattr("getpass.getuser", lambda: "mallory")
    until(lambda: taken(other) is not None)
    awake.set()
    with pytest.raises(LockLost) as caught:
        live.run(f"touch {tmp_path}/ran", Wrap(5))
    finding = caught.value.findings[0]
    assert finding.kind is Kind.LOCKED
    assert caught.value.exit_code == 16
    assert "lost its lock" in finding.what
    assert "it is now held by mallory@" in finding.why
    assert not (tmp_path / "ran").exists()
    assert lost.wait(5)


def test_who_was_asleep_for_a_while_only_goes_on(live: Connection) -> None:
    """Its time is over by its own clock, but the host still answers: it has never let go."""
    held = RunLock.take(live, 60)
    held._sure_until = clock.now() - 40
    assert held.until() > clock.now() + 40
    held.release()


def test_a_lock_whose_connection_is_gone_is_lost(live: Connection, tmp_path: Path) -> None:
    lost = threading.Event()
    held = RunLock.take(live, PATIENCE, lost.set)
    live.close()
    assert lost.wait(20)
    with pytest.raises(LockLost, match="connection to the host that holds it was lost"):
        held.until()
    assert tmp_path


def test_once_given_back_it_is_good_for_nothing(live: Connection, tmp_path: Path) -> None:
    held = RunLock.take(live, PATIENCE)
    live._until = held.until
    held.release()
    with pytest.raises(LockLost, match="already released its lock"):
        live.run(f"touch {tmp_path}/ran", Wrap(5))
    assert not (tmp_path / "ran").exists()


def test_a_session_without_its_lock_does_nothing_on_any_host(tmp_path: Path) -> None:
    @deploy("Change")
    def change() -> None:
        server.shell(name="Change", commands=[f"echo ran >>{tmp_path}/ran"])

    names = ["cp1", "w1"]
    with PlayedSession(cluster(workers=1)) as session:
        session.lock()
        session.round("p", {name: steps(change) for name in names})
        assert (tmp_path / "ran").read_text() == "ran\nran\n"
        assert session._lock
        awake = asleep(session._lock)
        acts: list[Callable[[], object]] = [
            lambda: session.round("p", {name: steps(change) for name in names}),
            lambda: session.ask("w1", f"echo asked >>{tmp_path}/ran"),
            lambda: session.ask_all(dict.fromkeys(names, f"echo asked >>{tmp_path}/ran")),
            lambda: session.prefetch({"w1": steps(change)}),
            session.still_locked,
        ]
        with PlayedSession(cluster(workers=1)) as second:
            until(lambda: is_locked(second))
        awake.set()
        for act in acts:
            with pytest.raises(KubeinstallError) as caught:
                act()
            assert caught.value.exit_code == 16
        assert (tmp_path / "ran").read_text() == "ran\nran\n"
        assert session.failures == {}


def test_what_runs_when_the_lock_is_lost_is_left_at_once(other: Connection, tmp_path: Path) -> None:
    @deploy("Slow")
    def slow() -> None:
        server.shell(name="Slow", commands=[f"touch {tmp_path}/begun; sleep 30"])

    with PlayedSession(cluster(workers=0)) as session:
        session.lock()
        assert session._lock
        held = session._lock

        def fall_asleep() -> None:
            until((tmp_path / "begun").exists)
            awake = asleep(held)
            until(lambda: taken(other) is not None)
            awake.set()

        threading.Thread(target=fall_asleep, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(KubeinstallError, match="lost its lock") as caught:
            session.round("p", {"cp1": steps(slow)})
        assert caught.value.exit_code == 16
        assert time.monotonic() - began < 20
        for client in session.clients.values():
            for channel in client.transport.channels:
                if channel.process:
                    channel.process.terminate()


def test_where_the_control_plane_is_lost_a_worker_has_the_lock(other: Connection) -> None:
    with PlayedSession(cluster(workers=1)) as session:
        session.clients["cp1"].transport.active = False
        session.lock()
        assert session.failures["cp1"].kind is Kind.CONNECT
        assert session.alive == ["w1"]
        with pytest.raises(KubeinstallError) as caught:
            RunLock.take(other, PATIENCE)
        assert caught.value.exit_code == Kind.LOCKED


def test_a_run_ends_with_the_phase_in_which_its_lock_was_lost() -> None:
    """Phases pass over what a host does not answer: a lost lock is not passed over."""
    run, fake, memory = played_run(cluster())
    ran: list[str] = []
    gone = LockLost(Finding(Kind.LOCKED, "lost its lock"))

    def lose(_: object) -> None:
        ran.append("a")

        def raising() -> None:
            raise gone

        fake.still_locked = raising  # type: ignore[method-assign]

    fake.connect()
    phases = [Phase("a", "A", lose), Phase("b", "B", lambda _: ran.append("b"))]
    assert execute(run, phases) == 16
    assert ran == ["a"]
    assert memory.errors == list(gone.findings)


def test_time_goes_on_in_a_machine_that_is_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", lambda which: which)
    assert clock.now() == time.CLOCK_BOOTTIME


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        ("busy root@a, process 1", "root@a, process 1"),
        ("busy", ""),
        ("busy \x1b]52;c;x\x07" + "y" * 500, "]52;c;x" + "y" * 193),
    ],
)
def test_who_has_it_is_told_in_a_length_and_letters_for_people(said: str, owner: str) -> None:
    assert lock._owner(said) == owner
