"""A session channel of a live connection, as two streams of lines."""

from __future__ import annotations

import codecs
import select
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from collections.abc import Iterator

LineSink = Callable[[str], None]

_INLINE = 1 << 20
_PIECE = 1 << 18


class ConnectionLost(Exception):
    """The connection went away; what was running there may still run."""


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
            OSError: it cannot be read, or has become shorter.
        """
        left = self.size
        with self.path.open("rb") as file:
            while left:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    raise OSError(f"{self.path} has become shorter")
                left -= len(piece)
                yield piece


class Wire:
    """A channel that runs one remote program: written to, and read until something is heard.

    Args:
        command: the program, as a shell command line.

    Raises:
        ConnectionLost: the connection went away.
    """

    def __init__(self, channel: paramiko.Channel, command: str) -> None:
        self.channel = channel
        self._poll = select.poll()
        with losses():
            channel.exec_command(command)
            self._poll.register(channel.fileno(), select.POLLIN)

    @property
    def usable(self) -> bool:
        """Whether the program still runs, as far as is known here."""
        channel = self.channel
        return not (channel.closed or channel.eof_received or channel.exit_status_ready())

    @property
    def why_ended(self) -> str:
        """Why nothing more can be heard."""
        if not self.channel.get_transport().is_active():
            return "the host went away or closed it"
        return "the shell there ended before its command did"

    def send(self, data: bytes, upload: Upload | None = None) -> None:
        """Write to the program.

        Args:
            upload: a file to write after the data.

        Raises:
            ConnectionLost: the connection went away, or the program is gone.
        """
        if upload or len(data) > _INLINE:
            # It may answer before it has read it all, and wait for us to read that.
            threading.Thread(target=self._send, args=(data, upload), daemon=True).start()
            return
        with losses():
            self.channel.sendall(data)

    def listen(
        self, out: Lines, err: Lines, done: Callable[[], bool], deadline: Callable[[], float]
    ) -> bool:
        """Read both streams until ``done``, or until the program and both streams have ended.

        Args:
            deadline: monotonic time at which to give up.

        Returns:
            whether it was done, or had ended, by then.

        Raises:
            ConnectionLost: the connection went away.
        """
        with losses():
            while True:
                self._take(out, err)
                if done():
                    return True
                if not self.usable:
                    return self._ended(out, err)
                if time.monotonic() > deadline():
                    return False
                self._poll.poll(1000)

    def close(self) -> None:
        """End our side of it; the program reads the end of its input."""
        self.channel.close()

    def _ended(self, out: Lines, err: Lines) -> bool:
        # The exit status may come before the rest of the output.
        deadline = time.monotonic() + 2
        while not (self.channel.eof_received or self.channel.closed):
            self._take(out, err)
            if time.monotonic() > deadline:
                break
            self._poll.poll(100)
        self._take(out, err)
        return True

    def _take(self, out: Lines, err: Lines) -> None:
        while self.channel.recv_ready():
            out.add(self.channel.recv(1 << 16))
        while self.channel.recv_stderr_ready():
            err.add(self.channel.recv_stderr(1 << 16))

    def _send(self, data: bytes, upload: Upload | None) -> None:
        # In pieces: what is left of one is copied for each packet.
        pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
        try:
            for piece in chain(pieces, upload.pieces() if upload else ()):
                self.channel.sendall(piece)
        except (OSError, EOFError):
            # The reader finds out: the program there must not wait for the rest.
            self.channel.close()


class Lines:
    """A stream that comes in pieces, told line by line.

    Args:
        told: takes each line, without its end.
    """

    def __init__(self, told: LineSink) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._told = told
        self.rest = ""

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        *lines, self.rest = (self.rest + self._decode.decode(data)).split("\n")
        for line in lines:
            self._told(line)


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
