"""A shell on the host that runs one command after another.

A session, a login shell and sudo for every command cost more than most commands. So one small
loop in sh(1) is started as root, and is sent commands over its input; it ends when that ends.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kubeinstall.resources import script
from kubeinstall.ssh.channel import CommandTimeout, Upload
from kubeinstall.ssh.clock import now
from kubeinstall.ssh.lean import paramiko
from kubeinstall.ssh.output import Output
from kubeinstall.ssh.shell import Shell
from kubeinstall.ssh.streams import Budget, ConnectionLost, LineSink, Stream

RUN_DIR = "/run/kubeinstall"
"""Where locks are kept on a host: root's alone, so that no user there can hold them."""
TAKE = "_ki_take"
"""In a script whose input is not spooled: writes that input, whole or with an error, to stdout."""

_MIB = 1 << 20
_BUSY = 900
_KILL_AFTER = 10
_GRACE = _KILL_AFTER + 10
_CODE = re.compile(r"(\d{1,3})(?: (\d{1,15}))?", re.ASCII)

_ONE = script("ssh/command")


def make_run_dir() -> str:
    """Shell that makes the folder of the locks."""
    return f"[ -d {RUN_DIR} ] || mkdir -m 700 {RUN_DIR} 2>/dev/null"


class Lock(StrEnum):
    """Which commands of earlier, killed runs a command waits for: flock's option."""

    NONE = "none"
    QUESTION = "-s"
    CHANGE = "-x"


@dataclass(frozen=True)
class Wrap:
    """How a command is run on the host.

    Args:
        timeout: seconds; the host itself ends the command then, even if we are gone.
        lock: a change waits for all that an earlier run left, a question for changes.
        sudo: run as root where the login is not.
        spool: all of the input is on the host before the script begins. If not, the script takes
            it with ``TAKE``, and has to end if that fails.
        limit: bytes that it may print.
    """

    timeout: float
    lock: Lock = Lock.QUESTION
    sudo: bool = True
    spool: bool = True
    limit: int = 32 * _MIB


class TooLate(Exception):
    """A command came to the host after the time by which it was to begin; it did not run."""


class Agent:
    """One such shell.

    Args:
        become: words before it that make it root's.
        first: what those read before it does.
        notice: told what a user should know while waiting.

    Raises:
        NoShell: the login has no shell that takes commands.
        ConnectionLost: the connection went away.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        become: list[str],
        first: bytes,
        notice: Callable[[str], None],
    ) -> None:
        loop = script("ssh/loop", command=_ONE, run=RUN_DIR, busy=_BUSY, patience=_KILL_AFTER)
        self._shell = Shell(channel, become, first, loop)
        self._wire = self._shell.wire
        self._notice = notice
        self._count = 0
        self._broken = False
        self._clock = _HostClock(self._shell.uptime, self._shell.heard_at)

    @property
    def uid(self) -> int:
        """Whose it is."""
        return self._shell.uid

    @property
    def usable(self) -> bool:
        """Whether it waits for a command."""
        return self._wire.usable and not self._broken

    def run(
        self,
        script: str,
        wrap: Wrap,
        stdin: bytes | Upload = b"",
        on_line: LineSink | None = None,
        until: Callable[[], float | None] = lambda: None,
    ) -> Output:
        """Run a shell script and wait for its end. After an exception the agent is of no use.

        Args:
            until: asked when all else has been sent: the time (``clock.now``) after which the
                script must not begin; None: it may at any time.

        Raises:
            ConnectionLost: the connection went away.
            CommandTimeout: it was still running when it should have ended.
            TooMuchOutput: it printed more than it may.
            TooLate: it did not begin in time; here the agent can be used again.
        """
        self._count += 1
        mark = f"{self._shell.mark}-{self._count}"
        command = _Command(mark, wrap, on_line, self._notice)
        text = f"{script}\n{mark}".encode()
        data, upload = (b"", stdin) if isinstance(stdin, Upload) else (stdin, None)
        size = upload.size if upload else len(data)
        how = "spool" if wrap.spool else "take"
        seconds = max(1, round(wrap.timeout))
        head = f"{mark} {seconds} {wrap.lock} {how} {len(text)} {size}\n"
        self._wire.send(
            head.encode() + text + data,
            upload,
            lambda: f"{mark} {self._clock.on_host(until())}\n".encode(),
        )
        in_time = self._wire.listen(
            command.out, command.err, command.has_ended, lambda: command.deadline
        )
        self._broken = command.broken
        if not in_time:
            raise CommandTimeout(wrap.timeout, ended=False)
        if not command.has_ended():
            said = command.err.text.strip().rpartition("\n")[2][:300]
            raise ConnectionLost(said or self._wire.why_ended)
        self._clock = _HostClock(command.uptime, now())
        if command.late:
            raise TooLate
        if command.code in (124, 137) and command.seconds >= wrap.timeout - 1:
            raise CommandTimeout(wrap.timeout, ended=True)
        return Output(command.code, command.out.text, command.err.text)

    def close(self) -> None:
        """End it; a command that it runs goes on to its end."""
        self._wire.close()


@dataclass(frozen=True)
class _HostClock:
    """What the host's clock said, and when that was heard here.

    Args:
        uptime: in hundredths of a second.
        heard_at: a time of ``clock.now``. The host said it before: a time that is reckoned from
            these two is never later than the true one.
    """

    uptime: int
    heard_at: float

    def on_host(self, time: float | None) -> int:
        """A time of ours on the host's clock; 0 for none."""
        return 0 if time is None else max(1, self.uptime + round((time - self.heard_at) * 100))


class _Command:
    """What is heard of one command.

    Args:
        on_line: told each line as it comes.
    """

    def __init__(
        self, mark: str, wrap: Wrap, on_line: LineSink | None, notice: Callable[[str], None]
    ) -> None:
        self._timeout = wrap.timeout
        self._on_line = on_line
        self._notice = notice
        budget = Budget(wrap.limit)
        self.out = Stream(mark, budget, self._heard_out)
        self.err = Stream(mark, budget, self._heard_err)
        self.code = -1
        self.uptime = 0
        self.late = self.broken = False
        self._waits = self._went_on = False
        self._restart()

    def has_ended(self) -> bool:
        return self.out.ended and self.err.ended

    @property
    def seconds(self) -> float:
        """How long it has had."""
        return time.monotonic() - self._began

    def _restart(self) -> None:
        self._began = time.monotonic()
        self.deadline = self._began + self._timeout + _GRACE

    def _heard_out(self, stream: Stream, words: str) -> None:
        if words == "begin":
            self._begin(stream)
        else:
            self.code, self.uptime = _code(words)
            stream.end()

    def _heard_err(self, stream: Stream, words: str) -> None:
        if words == "begin":
            self._begin(stream)
        elif words == "wait" and not self._waits:
            self._waits = True
            self._notice("waiting for a command that an earlier run started on this host")
            self.deadline += _BUSY
        elif words == "go" and not self._went_on:
            self._went_on = True
            self._restart()
        elif words == "busy":
            raise CommandTimeout(_BUSY, ended=False)
        elif words == "late":
            self.late = True
        elif words == "broken":
            self.broken = True
        else:
            _code(words)
            stream.end()

    def _begin(self, stream: Stream) -> None:
        stream.clear()
        stream.tell(self._on_line)


def _code(words: str) -> tuple[int, int]:
    """Exit code and uptime.

    Raises:
        ConnectionLost: it is something else.
    """
    found = _CODE.fullmatch(words)
    if not found:
        raise ConnectionLost("the host's answer cannot be parsed")
    return int(found[1]), int(found[2] or 0)
