"""One ssh connection to one host, kept for the whole run.

paramiko's client does the protocol; here is how a command is run, timed, fed and read.
"""

from __future__ import annotations

import codecs
import select
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from kubeinstall.engine.ssh import Reached, SshFailure, open_client
from kubeinstall.engine.types import Output
from kubeinstall.inventory.model import Host

LOCK = "/run/lock/kubeinstall-op.lock"
_BUSY_AFTER = 900
_NICE_END = 10


class ConnectionLost(Exception):
    """The connection went away; what was running there may still run."""


class CommandTimeout(Exception):
    """The command took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no end after {seconds:.0f} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Wrap:
    """How a command is wrapped on the host.

    Args:
        timeout: seconds; the host itself ends the command then, even if we are gone.
        shared: a question, which only waits for commands that change something.
        sudo: run as root where the login is not.
        locked: wait for a command that an earlier, killed run may have left.
    """

    timeout: float
    shared: bool = False
    sudo: bool = True
    locked: bool = True

    def argv(self, script: str | None) -> list[str]:
        """The command's words; without a script the shell reads it from standard input."""
        words = ["timeout", "-k", str(_NICE_END), str(max(1, round(self.timeout)))]
        words += ["sh", "-c", script] if script is not None else ["sh", "-s"]
        if self.locked:
            mode = ["-s"] if self.shared else []
            words = ["flock", *mode, "-o", "-w", str(_BUSY_AFTER), LOCK, *words]
        return words


class Connection:
    """A live connection, or the reason why there is none."""

    def __init__(self, host: Host, reached: Reached) -> None:
        self.host = host
        self._client = reached.client
        self._password = host.ssh.sudo_password
        self._sudo: list[str] = []
        self._feed_password = False
        self._channels: set[paramiko.Channel] = set()
        self._guard = threading.Lock()

    @classmethod
    def open(
        cls, host: Host, timeout: float, bastions: dict[str, paramiko.SSHClient]
    ) -> Connection:
        """Connect and find out how to be root.

        Raises:
            SshFailure: with the reason and what to do.
        """
        connection = cls(host, open_client(host, timeout, bastions))
        connection._settle_sudo()
        return connection

    def run(
        self,
        script: str,
        wrap: Wrap,
        *,
        stdin: str | bytes | None = None,
        as_stdin: bool = False,
        on_line: Callable[[str], None] | None = None,
    ) -> Output:
        """Run a shell script and wait for its end.

        Args:
            script: what ``sh`` runs, in its argument list or, with ``as_stdin``, its input.
            stdin: the script's standard input; not with ``as_stdin``.
            on_line: told each line of output as it comes.

        Raises:
            ConnectionLost: the connection went away.
            CommandTimeout: it was still running when it should have ended.
        """
        words = wrap.argv(None if as_stdin else script)
        feed = _bytes(script if as_stdin else stdin)
        if wrap.sudo and self._sudo:
            words = [*self._sudo, "--", *words]
            if self._feed_password and self._password:
                feed = self._password.get_secret_value().encode() + b"\n" + feed
        return self._exchange(shlex.join(words), feed, wrap.timeout, on_line)

    def channel(self) -> paramiko.Channel:
        """A new session channel, for what lives longer than a command.

        Raises:
            ConnectionLost: the connection went away.
        """
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise ConnectionLost("the connection is closed")
        try:
            return transport.open_session(timeout=30)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error

    @property
    def sudo(self) -> tuple[list[str], str]:
        """The words before a command that make it root's, and what they read first."""
        secret = self._password.get_secret_value() if self._password else ""
        return self._sudo, f"{secret}\n" if self._feed_password else ""

    def interrupt(self) -> None:
        """End our side of whatever runs; readers get ``ConnectionLost``."""
        with self._guard:
            for channel in list(self._channels):
                channel.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _exchange(
        self,
        command: str,
        feed: bytes,
        timeout: float,
        on_line: Callable[[str], None] | None,
    ) -> Output:
        channel = self.channel()
        with self._guard:
            self._channels.add(channel)
        try:
            channel.exec_command(command)
            # In a thread of its own only where the host may answer before it has read it all.
            if len(feed) > 1 << 20:
                threading.Thread(target=_send, args=(channel, feed), daemon=True).start()
            else:
                _send(channel, feed)
            reader = _Reader(channel, on_line)
            # The host ends the command by itself at `timeout`; this is for a host that does not.
            reader.read(time.monotonic() + timeout + _NICE_END + 10 + _BUSY_AFTER, timeout)
            code = channel.recv_exit_status()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        finally:
            with self._guard:
                self._channels.discard(channel)
            channel.close()
        if code == -1:
            raise ConnectionLost("the connection was closed")
        if code in (124, 137) and reader.seconds >= timeout - 1:
            raise CommandTimeout(timeout)
        return Output(code, reader.out.text(), reader.err.text())

    def _settle_sudo(self) -> None:
        if self.host.ssh.user == "root":
            return
        plain = Wrap(20, sudo=False, locked=False)
        if self.run("id -u", plain).stdout.strip() == "0":
            return
        answer = self.run("sudo -k -n true", plain)
        if answer.ok:
            self._sudo = ["sudo", "-n", "-H"]
            return
        user = self.host.ssh.user
        if "not found" in answer.stderr:
            raise SshFailure(
                "there is no sudo on the host",
                why=f"the login is {user}, who is not root",
                next="install sudo there, or set ssh.user to root",
            )
        if self._password is None:
            raise SshFailure(
                f"sudo asks {user} for a password, and none is given",
                why=answer.stderr.strip(),
                next="set ssh.sudo_password (e.g. to ${SUDO_PASSWORD}), use --ask-sudo-pass, "
                "or allow that user NOPASSWD in sudoers",
            )
        # -k: what sudo remembers of an earlier password would leave ours to the command's input.
        self._sudo = ["sudo", "-k", "-S", "-H", "-p", ""]
        self._feed_password = True
        answer = self.run("id -u", Wrap(30, locked=False))
        if answer.stdout.strip() != "0":
            raise SshFailure(
                f"sudo does not let {user} become root",
                why=_last_line(answer.stderr) or f"it ended with {answer.exit_code}",
                next="check ssh.sudo_password and the host's sudoers",
            )


class _Lines:
    """Text that comes in pieces, told line by line."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[str] = []
        self._rest = ""
        self._on_line = on_line

    def add(self, data: bytes) -> None:
        piece = self._decode.decode(data)
        self._pieces.append(piece)
        if self._on_line:
            *lines, self._rest = (self._rest + piece).split("\n")
            for line in lines:
                self._on_line(line.rstrip("\r"))

    def end(self) -> None:
        if self._on_line and self._rest:
            self._on_line(self._rest)

    def text(self) -> str:
        return "".join(self._pieces)


class _Reader:
    """Reads both outputs of a channel until they end."""

    def __init__(self, channel: paramiko.Channel, on_line: Callable[[str], None] | None) -> None:
        self._channel = channel
        self.out = _Lines(on_line)
        self.err = _Lines(on_line)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def read(self, deadline: float, timeout: float) -> None:
        """Read to the end.

        Raises:
            CommandTimeout: there was none by the deadline.
            ConnectionLost: the connection went away meanwhile.
        """
        channel = self._channel
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN)
        while not (channel.eof_received or channel.closed) or self._pending():
            if not self._pending():
                poll.poll(1000)
            self._take()
            if time.monotonic() > deadline:
                raise CommandTimeout(timeout)
            transport = channel.get_transport()
            if not transport.is_active() and not self._pending():
                raise ConnectionLost("the connection was lost")
        self.out.end()
        self.err.end()

    def _pending(self) -> bool:
        return self._channel.recv_ready() or self._channel.recv_stderr_ready()

    def _take(self) -> None:
        while self._channel.recv_ready():
            self.out.add(self._channel.recv(1 << 16))
        while self._channel.recv_stderr_ready():
            self.err.add(self._channel.recv_stderr(1 << 16))


def _send(channel: paramiko.Channel, feed: bytes) -> None:
    try:
        if feed:
            channel.sendall(feed)
        channel.shutdown_write()
    except (OSError, EOFError):
        # The command ended before it read all, or the connection went: the reader knows.
        return


def _bytes(text: str | bytes | None) -> bytes:
    return text.encode() if isinstance(text, str) else text or b""


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
