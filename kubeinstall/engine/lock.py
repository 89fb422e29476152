"""The lock on a cluster: one run at a time, and none left behind.

A small shell on a host holds flock(1) for as long as it hears from us. When we are gone, so is
the connection, the shell's input ends, and the kernel frees the lock; when the network is gone,
the shell misses our heartbeats and ends by itself.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import socket
import threading
import time
from datetime import UTC, datetime

import paramiko

from kubeinstall.engine.agent import MAKE_RUN_DIR, RUN_DIR
from kubeinstall.engine.channel import ConnectionLost
from kubeinstall.engine.connection import Connection
from kubeinstall.findings import Finding, Kind, KubeinstallError

_OWNER = f"{RUN_DIR}/run.owner"
_BEAT = 10
_PATIENCE = 60

# $1 is who we are. `timeout head` is a read with a limit that every shell has; head takes the
# beats one line at a time because each comes alone. The lock's descriptor is closed for children.
_HOLD = f"""
{MAKE_RUN_DIR}exec 9>{RUN_DIR}/run.lock
if ! flock -n 9; then echo "BUSY $(cat {_OWNER} 2>/dev/null)"; exit 0; fi
printf '%s\\n' "$1" >{_OWNER}
echo LOCKED
while timeout {_PATIENCE} head -n 1 9>&- | grep -q beat 9>&-; do :; done
rm -f {_OWNER}
"""


class RunLock:
    """The lock, held until ``release``."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._ended = threading.Event()
        threading.Thread(target=self._beat, name="lock", daemon=True).start()

    @classmethod
    def take(cls, connection: Connection) -> RunLock:
        """Take the lock on this host.

        Raises:
            KubeinstallError: another run has it; says whose.
            ConnectionLost: the connection went away.
        """
        channel = connection.channel()
        words, first = connection.sudo
        owner = f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}, since {_now()}"
        hold = ["sh", "-c", _HOLD, "kubeinstall-lock", owner]
        try:
            channel.exec_command(shlex.join([*words, *hold]))
            channel.sendall(first)
            answer = _first_line(channel, 30)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        if answer == "LOCKED":
            return cls(channel)
        channel.close()
        name = connection.host.name
        if not answer.startswith("BUSY"):
            raise ConnectionLost(f"no lock could be taken: {answer or 'no answer'}")
        raise KubeinstallError(
            Finding(
                Kind.LOCKED,
                "another run is at work on this cluster",
                where=name,
                why=f"the lock is held by {answer[5:].strip() or 'a run that has just begun'}",
                next="wait for it; when its owner is gone the lock is free within a minute",
            )
        )

    def release(self) -> None:
        """Give the lock back."""
        self._ended.set()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT):
            try:
                self._channel.sendall(b"beat\n")
            except (OSError, EOFError, paramiko.SSHException):
                return


def _first_line(channel: paramiko.Channel, patience: float) -> str:
    channel.settimeout(patience)
    text = b""
    began = time.monotonic()
    while b"\n" not in text and time.monotonic() - began < patience:
        try:
            piece = channel.recv(4096)
        except TimeoutError:
            break
        if not piece:
            break
        text += piece
    return text.decode(errors="replace").strip()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
