"""A shell on the host that runs one command after another.

A session, a login shell and sudo for every command cost more than most commands. So one small
loop in sh(1) is started as root, and is sent commands over its input; it ends when that ends.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import paramiko

from kubeinstall.engine.channel import (
    CommandTimeout,
    ConnectionLost,
    Lines,
    LineSink,
    Upload,
    Wire,
)
from kubeinstall.engine.types import Output

RUN_DIR = "/run/kubeinstall"
"""Where locks are kept on a host: root's alone, so that no user there can hold them."""
MAKE_RUN_DIR = f"[ -d {RUN_DIR} ] || mkdir -m 700 {RUN_DIR} 2>/dev/null\n"

_BUSY = 900
_KILL_AFTER = 10
_GRACE = _KILL_AFTER + 10

# It reads lines: a word that ends the command's output, the seconds it may take, how to lock, how
# many bytes its script has and how many its input; then those. So the script is in no list of
# processes, and may be longer than an argument. The input is read to its end even if the command
# does not. A run that was killed can leave a command behind: the lock makes the next one wait for
# it. What is printed and where programs are must not depend on the login.
_ONE = (
    '_s=$(head -c "$1"); _n=$2; shift 2; if [ "$_n" = 0 ]; then eval "$_s" </dev/null; else '
    'head -c "$_n" | { (eval "$_s"); _r=$?; cat >/dev/null; exit $_r; }; fi'
)
_LOOP = f"""export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
cd "$HOME" 2>/dev/null || cd /
while IFS=' ' read -r mark seconds mode script input; do
  [ -n "$input" ] || continue
  if [ "$mode" != none ]; then
    {MAKE_RUN_DIR}    exec 9>>{RUN_DIR}/op.lock || exit 74
    if ! flock "$mode" -n 9; then
      echo "$mark wait" >&2
      flock "$mode" -w {_BUSY} 9 || {{ echo "$mark busy" >&2; exit 75; }}
      echo "$mark go" >&2
    fi
  fi
  timeout -k {_KILL_AFTER} "$seconds" sh -c '{_ONE}' sh "$script" "$input" 9>&-
  r=$?
  exec 9>&-
  printf '\\n%s %s\\n' "$mark" "$r"
  printf '\\n%s %s\\n' "$mark" "$r" >&2
done
"""


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
    """

    timeout: float
    lock: Lock = Lock.QUESTION
    sudo: bool = True


class Agent:
    """One such shell.

    Args:
        become: words before it that make it root's.
        first: what those read before it does.
        notice: told what a user should know while waiting.

    Raises:
        ConnectionLost: the connection went away.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        become: list[str],
        first: bytes,
        notice: Callable[[str], None],
    ) -> None:
        self._wire = Wire(channel, shlex.join([*become, "sh", "-c", _LOOP]))
        self._notice = notice
        self._token = f"KI{secrets.token_hex(8)}"
        self._count = 0
        if first:
            self._wire.send(first)

    @property
    def usable(self) -> bool:
        """Whether it waits for a command."""
        return self._wire.usable

    def run(
        self,
        script: str,
        wrap: Wrap,
        stdin: bytes | Upload = b"",
        on_line: LineSink | None = None,
    ) -> Output:
        """Run a shell script and wait for its end. After an exception the agent is of no use.

        Raises:
            ConnectionLost: the connection went away.
            CommandTimeout: it was still running when it should have ended.
        """
        self._count += 1
        mark = f"{self._token}-{self._count}"
        text = script.encode()
        clock = _Clock(wrap.timeout)
        out = _Part(mark, on_line)
        err = _Part(mark, on_line, lambda word: self._signal(word, clock))
        seconds = max(1, round(wrap.timeout))
        data, upload = (b"", stdin) if isinstance(stdin, Upload) else (stdin, None)
        size = upload.size if upload else len(data)
        head = f"{mark} {seconds} {wrap.lock} {len(text)} {size}\n"
        self._wire.send(head.encode() + text + data, upload)
        in_time = self._wire.listen(
            out.lines, err.lines, lambda: out.ended and err.ended, lambda: clock.deadline
        )
        if not in_time:
            raise CommandTimeout(wrap.timeout, ended=False)
        if not (out.ended and err.ended):
            tail = (err.text + err.lines.rest).strip().rpartition("\n")[2]
            raise ConnectionLost(tail or self._wire.why_ended)
        if out.code in (124, 137) and clock.seconds >= wrap.timeout - 1:
            raise CommandTimeout(wrap.timeout, ended=True)
        return Output(out.code, out.text, err.text)

    def close(self) -> None:
        """End it; a command that it runs goes on to its end."""
        self._wire.close()

    def _signal(self, word: str, clock: _Clock) -> None:
        if word == "wait":
            self._notice("waiting for a command that an earlier run left here")
            clock.deadline += _BUSY
        elif word == "busy":
            raise CommandTimeout(_BUSY, ended=False)
        else:
            clock.restart()


class _Clock:
    """A command's time.

    Args:
        timeout: seconds until the host should have ended it by itself.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.restart()

    def restart(self) -> None:
        self._began = time.monotonic()
        self.deadline = self._began + self._timeout + _GRACE

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


class _Part:
    """One of a command's two outputs, up to its mark.

    Args:
        on_line: told each line as it comes.
        on_signal: told the words that the loop itself says, which are no output.
    """

    def __init__(
        self,
        mark: str,
        on_line: LineSink | None,
        on_signal: Callable[[str], None] | None = None,
    ) -> None:
        self._mark = mark
        self._on_line = on_line
        self._on_signal = on_signal
        self._kept: list[str] = []
        self._blank = False
        self.lines = Lines(self._take)
        self.ended = False
        self.code = -1

    @property
    def text(self) -> str:
        return "".join(self._kept)

    def _take(self, line: str) -> None:
        if line.startswith(self._mark):
            word = line.removeprefix(self._mark).strip()
            if word.lstrip("-").isdigit():
                self._end(int(word))
            elif self._on_signal:
                self._on_signal(word)
            return
        # The mark comes after a newline of its own: only then is an empty line not output.
        if self._blank:
            self._keep("")
        self._blank = line == ""
        if line:
            self._keep(line)

    def _keep(self, line: str) -> None:
        self._kept.append(f"{line}\n")
        if self._on_line:
            self._on_line(line.rstrip("\r"))

    def _end(self, code: int) -> None:
        if not self._blank and self._kept:
            # The output did not end with a newline: the mark's own completed its last line.
            self._kept[-1] = self._kept[-1].removesuffix("\n")
        self.ended = True
        self.code = code
