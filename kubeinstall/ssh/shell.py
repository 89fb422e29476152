"""A shell on a host, in an environment of ours, that is heard only from its own first words on.

The login's shell is run by sshd and says and sets what its administrator likes: variables out of
/etc/environment, text from ~/.bashrc. So nothing but one plain line goes through it. That line
starts sh(1) with an empty environment, and so does what sudo starts, for PAM fills sudo's again.
Of the login is kept who it is (its user and HOME) and nothing else. The program itself comes over
standard input, and only after the shell has said that it is there: a forced command, or a shell
that is none, is never sent anything but the password that sudo asked for.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Callable, Sequence

from kubeinstall.ssh.channel import Wire
from kubeinstall.ssh.clock import now
from kubeinstall.ssh.lean import paramiko
from kubeinstall.ssh.streams import Budget, ConnectionLost, Stream

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UPTIME = "read -r up _ </proc/uptime; up=${up%.*}${up#*.}"
"""Shell that sets ``up`` to the host's hundredths of seconds since its start, asleep or not."""

# These pass through any login shell (sh, bash, zsh, fish, csh): one line each, without single
# quotes, backslashes and exclamation marks.
_WASH = (
    f"PATH={PATH}; export PATH; "
    'exec env -i PATH="$PATH" HOME="${HOME:-/}" LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive '
    '"$0" "$@"'
)
# Whose the shell is, without a program: the second number is the effective user.
_UID = 'while read -r k _ u _; do [ "$k" = Uid: ] && break; done </proc/self/status'
_HELLO = (
    f'umask 022; cd /; {UPTIME}; {_UID}; echo; echo "$0 hello $u $up"; '
    '{ echo; echo "$0 hello"; } >&2; p=$(head -c "$1"); '
    'case "$p" in *"$0") eval "${p%"$0"}";; *) exit 74;; esac'
)
Hearer = Callable[[Stream, str], None]
_HELLO_WORDS = re.compile(r"hello (\d{1,10}) (\d{1,15})", re.ASCII)
_PATIENCE = 40.0
_CHATTER = 1 << 20
_SAID_LINES = 6
_SAID_CHARACTERS = 300


class NoShell(ConnectionLost):
    """What the login runs is not a shell that takes commands.

    Args:
        said: what it printed instead; may be empty.
    """

    def __init__(self, said: str) -> None:
        super().__init__(f"the shell does not respond; {said or 'nothing was printed'}")
        self.said = said


class Shell:
    """One such shell, which goes on with a program as soon as it has said that it is there.

    Args:
        become: words before it that make it root's.
        first: what those read before it does.
        program: the shell program that it goes on with; ``$0`` in it is ``mark``.

    Raises:
        NoShell: something else answers, or nothing does.
        ConnectionLost: the connection went away.
        TooMuchOutput: the login prints without end.
    """

    def __init__(
        self, channel: paramiko.Channel, become: Sequence[str], first: bytes, program: str
    ) -> None:
        self.mark = f"KI{secrets.token_hex(8)}"
        # Ended by the mark: what a lost connection cut off is not run.
        text = f"{program}\n{self.mark}".encode()
        line = command_line(become, [_HELLO, self.mark, str(len(text))])
        self.wire = Wire(channel, line)
        self.uid = -1
        self.uptime = 0
        self.heard_at = 0.0
        try:
            if first:
                self.wire.send(first)
            self._greet()
            self.wire.send(text)
        except BaseException:
            self.wire.close()
            raise

    def stream(self, budget: Budget, heard: Hearer) -> Stream:
        """A stream that knows the shell's own lines."""
        return Stream(self.mark, budget, heard)

    def _greet(self) -> None:
        budget = Budget(_CHATTER)
        out, err = (Stream(self.mark, budget, self._hello) for _ in range(2))
        deadline = time.monotonic() + _PATIENCE
        in_time = self.wire.listen(out, err, lambda: out.ended and err.ended, lambda: deadline)
        if not (out.ended and err.ended):
            said = tail(f"{out.text}\n{err.text}")
            if not in_time:
                said = f"{said} (and did not finish within {_PATIENCE:.0f} s)".strip()
            raise NoShell(said)

    def _hello(self, stream: Stream, words: str) -> None:
        if found := _HELLO_WORDS.fullmatch(words):
            self.heard_at = now()
            self.uid, self.uptime = int(found[1]), int(found[2])
        elif words != "hello":
            raise ConnectionLost("the host's answer cannot be parsed")
        stream.end()


def command_line(become: Sequence[str], script: Sequence[str]) -> str:
    """A line for a login shell of any kind that runs sh(1) with nothing of its environment.

    Args:
        become: words that make it root's.
        script: for ``sh -c``: the script and its arguments.
    """
    washed = ["/bin/sh", "-c", _WASH]
    return shlex.join([*washed, *become, *(washed if become else ()), "/bin/sh", "-c", *script])


def tail(text: str) -> str:
    """The last lines of what a host said, as one, of a length for people."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(line[:_SAID_CHARACTERS] for line in lines[-_SAID_LINES:])
