"""The lock on a cluster: one run at a time, and none left behind.

A small shell on a host holds flock(1) for as long as it hears from us. When we are gone, so is
the connection, the shell's input ends, and the kernel frees the lock; when the network is gone,
or we are asleep, the shell misses our heartbeats and ends by itself. Each heartbeat is answered,
so the run knows until when the lock is surely its own: for its patience from when it sent the last
one that was answered. Every command to any host is sent with that time on it, in that host's own
clock, and the host does not begin it later (``agent``). So a command that was on its way when the
run fell asleep, or its machine, is not run beside the run that has the lock by then.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.ssh.agent import RUN_DIR, make_run_dir
from kubeinstall.ssh.clock import now
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.shell import Shell
from kubeinstall.ssh.streams import Budget, ConnectionLost, Stream

PATIENCE = 60.0
"""Seconds without a heartbeat after which the host frees the lock."""
_BEATS = 6
_SURE = 0.75
"""The part of its patience for which a heartbeat counts here: clocks and loads differ."""
_ANSWER = 30.0
_SMALL = 1 << 16
_OWNER_CHARACTERS = 200

# `timeout head` is a read with a limit that every shell has; beats are all as long as each other.
# The lock's descriptor is closed for children.
_HOLD = """\
say() {{ printf '\\n%s %s\\n' "$0" "$1"; }}
{make}
owner={run}/run.owner
exec 9>>{run}/run.lock || exit
if ! flock -n 9; then say "busy $(head -c 300 "$owner" 2>/dev/null | tr -d '\\n')"; exit; fi
printf '%s\\n' {me} >"$owner"
say locked
while beat=$(timeout {patience} head -c {size} 9>&-) && [ "$beat" ]; do say "$beat"; done
rm -f "$owner"
"""
_WHO_HAS_IT = """\
printf '\\n%s owner %s\\n' "$0" "$(head -c 300 {run}/run.owner 2>/dev/null | tr -d '\\n')"
"""
_BEAT = "beat {:08d}\n"


class LockLost(KubeinstallError):
    """The run no longer has its lock: nothing may be changed any more."""


class RunLock:
    """The lock, held until ``release``.

    Args:
        shell: what holds it on the host.
        me: who we are, as the next one is told.
        patience: seconds without a heartbeat after which it is free.
        lost: called once, from another thread, when it was lost.
    """

    def __init__(
        self,
        connection: Connection,
        shell: Shell,
        me: str,
        sure_until: float,
        patience: float,
        lost: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._shell = shell
        self._me = me
        self._patience = patience
        self._when_lost = lost
        self._sure_until = sure_until
        self._beat_number = 0
        self._state = threading.Condition()
        self._due = threading.Event()
        self._released = False
        self._ended = False
        self._finding: Finding | None = None
        threading.Thread(target=self._keep, name="lock", daemon=True).start()

    @classmethod
    def take(
        cls,
        connection: Connection,
        patience: float = PATIENCE,
        lost: Callable[[], None] = lambda: None,
    ) -> RunLock:
        """Take the lock on this host.

        Args:
            patience: seconds without a heartbeat after which the host frees it.
            lost: called when it was lost.

        Raises:
            KubeinstallError: another run has it; says whose.
            ConnectionLost: the connection went away.
        """
        who = f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"
        me = f"{who}, run {secrets.token_hex(2)}, since {_now()}"
        size = len(_BEAT.format(0))
        hold = _HOLD.format(
            make=make_run_dir(), run=RUN_DIR, me=shlex.quote(me), patience=patience, size=size
        )
        become, first = connection.sudo
        asked = now()
        shell = Shell(connection.channel(), become, first, hold)
        try:
            answer = _answer(shell, _ANSWER)
            if answer == "locked":
                return cls(connection, shell, me, asked + patience * _SURE, patience, lost)
        except BaseException:
            shell.wire.close()
            raise
        shell.wire.close()
        if not answer.startswith("busy"):
            raise ConnectionLost("the lock could not be acquired: the host does not answer")
        raise KubeinstallError(
            Finding(
                Kind.LOCKED,
                "another run is active on this cluster",
                hosts=(connection.host.name,),
                why=f"the lock is held by {_owner(answer) or 'a run that has just started'}",
                next="wait until it has finished; if it is gone, the lock is released within a "
                "minute",
            )
        )

    def until(self) -> float:
        """The time (``clock.now``) until which it is surely held; asks for it where that is past.

        Raises:
            LockLost: it is not held any more.
        """
        with self._state:
            while not self._ended and now() >= self._sure_until:
                self._due.set()
                self._state.wait(1)
            if not self._ended:
                return self._sure_until
            while not self._finding:
                self._state.wait(1)
            raise LockLost(self._finding)

    def release(self) -> None:
        """Give the lock back; nothing can be changed with it from then on."""
        with self._state:
            if self._ended:
                return
            self._released = self._ended = True
            self._finding = Finding(Kind.LOCKED, "the run has already released its lock")
        self._due.set()
        with contextlib.suppress(ConnectionLost, OSError, EOFError):
            self._shell.wire.close()

    def _keep(self) -> None:
        """Send heartbeats until one is not answered."""
        why = "the heartbeat failed"
        try:
            while not self._released:
                self._due.wait(self._patience / _BEATS)
                self._due.clear()
                if self._released:
                    return
                why = self._beat()
                if why:
                    return
        except ConnectionLost as error:
            why = f"the connection to the host that holds it was lost: {error}"
        finally:
            if not self._released:
                self._lose(why)

    def _beat(self) -> str:
        """Send one heartbeat and wait for its answer; why there is none, or nothing."""
        self._beat_number += 1
        beat = _BEAT.format(self._beat_number)
        sent = now()
        self._shell.wire.send(beat.encode())
        left = self._sure_until - self._patience * _SURE + self._patience - sent
        # A host that still holds it answers at once, however late we are.
        answer = _answer(self._shell, max(left, self._patience / 2))
        if answer == beat.strip():
            with self._state:
                self._sure_until = sent + self._patience * _SURE
                self._state.notify_all()
            return ""
        return (
            f"the host received no heartbeat from this run for {self._patience:.0f} s, "
            "and released it"
        )

    def _lose(self, why: str) -> None:
        with self._state:
            self._ended = True
        finding = Finding(
            Kind.LOCKED,
            "this run lost its lock on the cluster and was stopped",
            hosts=(self._connection.host.name,),
            why=f"{why}; {self._who_has_it()}",
            next="when no other run is active, run the same command again: it waits for any "
            "command that this run started on a host, and continues from there",
        )
        with self._state:
            self._finding = finding
            self._state.notify_all()
        self._when_lost()

    def _who_has_it(self) -> str:
        """Who has the lock now, as far as the host says."""
        become, first = self._connection.sudo
        try:
            program = _WHO_HAS_IT.format(run=RUN_DIR)
            shell = Shell(self._connection.channel(), become, first, program)
            try:
                owner = _owner(_answer(shell, _ANSWER))
            finally:
                shell.wire.close()
        except (ConnectionLost, OSError, EOFError):
            return "its current holder is unknown"
        return (
            f"it is now held by {owner}" if owner and owner != self._me else "nobody holds it now"
        )


def _answer(shell: Shell, patience: float) -> str:
    """The words that a lock's shell says next; empty if it says none."""
    heard: list[str] = []

    def hear(stream: Stream, words: str) -> None:
        heard.append(words)
        stream.end()

    budget = Budget(_SMALL)
    out, err = shell.stream(budget, hear), shell.stream(budget, hear)
    deadline = time.monotonic() + patience
    shell.wire.listen(out, err, lambda: bool(heard), lambda: deadline)
    return heard[0] if heard else ""


def _owner(answer: str) -> str:
    """Who has the lock, out of a file on the host."""
    said = answer.partition(" ")[2].strip()
    return "".join(c for c in said if c.isprintable())[:_OWNER_CHARACTERS]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
