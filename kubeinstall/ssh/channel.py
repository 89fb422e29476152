"""A session channel of a live connection: written to, and read within bounds of bytes and time."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubeinstall.findings import KubeinstallError
from kubeinstall.ssh.lean import BufferedPipe, paramiko
from kubeinstall.ssh.streams import ConnectionLost, TooMuchOutput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubeinstall.ssh.streams import Stream

    _BufferedPipe = BufferedPipe[Any]
else:
    _BufferedPipe = BufferedPipe

_INLINE = 1 << 20
_PIECE = 1 << 18
_READ = 1 << 15
_REPLY = 30.0
"""Seconds that a host has to start a program, and to make room for what is written to it."""
_DRAIN = 2.0
# OpenSSH and paramiko grant 2 MiB; only a host that breaks the protocol sends more unasked.
_UNREAD = 8 << 20


class CommandTimeout(Exception):
    """The command took longer than it may.

    Args:
        seconds: how long it was given.
        ended: whether the host has ended it; else it may still run.
    """

    def __init__(self, seconds: float, *, ended: bool) -> None:
        then = "and was ended" if ended else "and may still run"
        super().__init__(f"it took longer than {seconds:.0f} s {then}")
        self.seconds = seconds


@dataclass(frozen=True)
class Upload:
    """A file on this machine that a program there reads, never whole in memory here.

    Args:
        size: bytes of it that are sent.
    """

    path: Path
    size: int

    @classmethod
    def of(cls, path: str) -> Upload:
        """The file as it is now.

        Raises:
            OSError: there is none.
        """
        return cls(Path(path), Path(path).stat().st_size)

    def pieces(self) -> Iterator[bytes]:
        """Its content.

        Raises:
            OSError: it cannot be read, or shrank while it was being sent.
        """
        left = self.size
        with self.path.open("rb") as file:
            while left:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    raise OSError(f"{self.path} shrank while it was being sent")
                left -= len(piece)
                yield piece


class Wire:
    """A channel that runs one remote program: written to, and read until something is heard.

    Args:
        command: the program, as a line for the login's shell.

    Raises:
        ConnectionLost: the connection went away, or the host does not start programs.
    """

    def __init__(self, channel: paramiko.Channel, command: str) -> None:
        self.channel = channel
        self._pipes = (_Pipe(), _Pipe())
        channel.in_buffer, channel.in_stderr_buffer = self._pipes
        self._poll = select.poll()
        # paramiko waits for the host's reply without end; a closed channel ends that wait.
        late = threading.Timer(_REPLY, channel.close)
        late.daemon = True
        late.start()
        try:
            with losses():
                channel.exec_command(command)
                self._poll.register(channel.fileno(), select.POLLIN)
        finally:
            late.cancel()

    @property
    def usable(self) -> bool:
        """Whether the program still runs, as far as is known here."""
        channel = self.channel
        return not (channel.closed or channel.eof_received or channel.exit_status_ready())

    @property
    def why_ended(self) -> str:
        """Why nothing more can be heard."""
        if not self.channel.get_transport().is_active():
            return "the host closed it or is down"
        return "the remote shell exited before its command did"

    def send(
        self, data: bytes, upload: Upload | None = None, tail: Callable[[], bytes] | None = None
    ) -> None:
        """Write to the program.

        Args:
            upload: a file to write after the data.
            tail: makes what is written last, when all else has been; if it raises, it is missing.

        Raises:
            ConnectionLost: the connection went away, or the program is gone or reads nothing.
        """
        if upload or len(data) > _INLINE:
            # Whoever reads its answers has a deadline; this thread ends with the channel.
            args = (data, upload, tail)
            threading.Thread(target=self._send, args=args, daemon=True).start()
            return
        with losses():
            self.channel.settimeout(_REPLY)
            self.channel.sendall(data + (tail() if tail else b""))

    def listen(
        self, out: Stream, err: Stream, done: Callable[[], bool], deadline: Callable[[], float]
    ) -> bool:
        """Read both streams until ``done``, or until the program and both streams have ended.

        Args:
            deadline: monotonic time at which to give up.

        Returns:
            whether it was done, or had ended, by then.

        Raises:
            ConnectionLost: the connection went away.
            TooMuchOutput: there was more than the streams take.
        """
        with losses():
            while True:
                heard = self._take(out, err)
                if done():
                    return True
                left = deadline() - time.monotonic()
                if left < 0:
                    return False
                if heard:
                    continue
                if not self.usable:
                    self._drain(out, err)
                    return True
                self._poll.poll(1000 * min(left, 1.0) + 1)

    def close(self) -> None:
        """End our side of it; the program reads the end of its input."""
        self.channel.close()

    def _drain(self, out: Stream, err: Stream) -> None:
        """Take what is left: the exit status may come before the rest of the output."""
        deadline = time.monotonic() + _DRAIN
        while time.monotonic() < deadline:
            last = bool(self.channel.eof_received or self.channel.closed)
            if self._take(out, err):
                continue
            if last:
                break
            self._poll.poll(100)
        if any(pipe.overrun for pipe in self._pipes):
            raise TooMuchOutput(_UNREAD)

    def _take(self, out: Stream, err: Stream) -> bool:
        """Take a piece of each; whoever calls looks at the time between two."""
        heard = False
        if self.channel.recv_ready():
            out.add(self.channel.recv(_READ))
            heard = True
        if self.channel.recv_stderr_ready():
            err.add(self.channel.recv_stderr(_READ))
            heard = True
        return heard

    def _send(
        self, data: bytes, upload: Upload | None, tail: Callable[[], bytes] | None = None
    ) -> None:
        # In pieces: what is left of one is copied for each packet.
        pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
        whole = False
        try:
            self.channel.settimeout(None)
            for piece in chain(pieces, upload.pieces() if upload else ()):
                self.channel.sendall(piece)
            if tail:
                self.channel.sendall(tail())
            whole = True
        except (OSError, EOFError, paramiko.SSHException, KubeinstallError):
            pass
        finally:
            # The reader finds out: the program there must not wait for the rest, nor take what
            # came for all of it.
            if not whole:
                self.channel.close()


class _Pipe(_BufferedPipe):
    """What has come and was not read: paramiko does not hold a host to the window it granted."""

    overrun = False

    def feed(self, data: Any) -> None:
        """In paramiko's thread: an exception there ends the connection."""
        if len(self) + len(data) > _UNREAD:
            self.overrun = True
            raise paramiko.SSHException("the host sent more data than allowed")
        super().feed(data)


@contextmanager
def losses() -> Iterator[None]:
    """paramiko's ways to say that the connection is gone, as one.

    Raises:
        ConnectionLost: instead of those.
    """
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ConnectionLost(str(error) or type(error).__name__) from error
