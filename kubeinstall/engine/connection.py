"""One ssh connection to one host, kept for the whole run, and how to be root over it."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable

import paramiko

from kubeinstall.engine.agent import Agent, Lock, Wrap
from kubeinstall.engine.channel import ConnectionLost, Lines, LineSink, Upload, Wire, losses
from kubeinstall.engine.reasons import SshFailure
from kubeinstall.engine.types import Output
from kubeinstall.inventory.model import Host

_HOW_TO_BE_ROOT = (
    'if [ "$(id -u)" = 0 ]; then echo root; '
    "elif ! command -v sudo >/dev/null 2>&1; then echo missing; "
    "else sudo -k -n sh -c 'echo free'; fi"
)
_FREE = ["sudo", "-n", "-H", "--"]


class Connection:
    """A live connection.

    Args:
        notice: told what a user should know while waiting.
    """

    def __init__(
        self, host: Host, client: paramiko.SSHClient, notice: Callable[[str], None]
    ) -> None:
        self.host = host
        self._client = client
        self._notice = notice
        self._sudo: list[str] = []
        self._password = b""
        self._idle: dict[bool, list[Agent]] = {True: [], False: []}
        self._busy: set[Agent] = set()
        self._guard = threading.Lock()
        self._interrupted = False

    def run(
        self,
        script: str,
        wrap: Wrap,
        *,
        stdin: str | bytes | Upload | None = None,
        on_line: LineSink | None = None,
    ) -> Output:
        """Run a shell script and wait for its end.

        Raises:
            ConnectionLost: the connection went away.
            CommandTimeout: it was still running when it should have ended.
        """
        as_root = wrap.sudo or not self._sudo
        if not as_root:
            # The locks are root's.
            wrap = Wrap(wrap.timeout, Lock.NONE, sudo=False)
        feed = stdin.encode() if isinstance(stdin, str) else stdin or b""
        agent = self._agent(as_root)
        try:
            output = agent.run(script, wrap, feed, on_line)
        except BaseException:
            agent.close()
            raise
        finally:
            with self._guard:
                self._busy.discard(agent)
        with self._guard:
            self._idle[as_root].append(agent)
        return output

    def channel(self) -> paramiko.Channel:
        """A new session channel.

        Raises:
            ConnectionLost: the connection went away.
        """
        transport = self._client.get_transport()
        if self._interrupted or transport is None or not transport.is_active():
            raise ConnectionLost("the connection is closed")
        with losses():
            return transport.open_session(timeout=30)

    @property
    def sudo(self) -> tuple[list[str], bytes]:
        """The words before a command that make it root's, and what they read first."""
        return self._sudo, self._password

    def interrupt(self) -> None:
        """End our side of whatever runs; readers get ``ConnectionLost``."""
        self._interrupted = True
        with self._guard:
            busy = list(self._busy)
        for agent in busy:
            agent.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def become_root(self) -> None:
        """Find out how to be root there, once.

        Raises:
            SshFailure: it cannot be.
            ConnectionLost, CommandTimeout: no answer.
        """
        if self.host.ssh.user == "root" or self._is_free():
            return
        user = self.host.ssh.user
        answer = self.run(_HOW_TO_BE_ROOT, Wrap(20, Lock.NONE, sudo=False))
        self._retire()
        said = answer.stdout.strip()
        if said == "root":
            return
        if said == "missing":
            raise SshFailure(
                "there is no sudo on the host",
                why=f"the login is {user}, who is not root",
                next="install sudo there, or set ssh.user to root",
            )
        if said == "free":
            self._sudo = _FREE
            return
        password = self.host.ssh.sudo_password
        if password is None:
            raise SshFailure(
                f"sudo asks {user} for a password, and none is given",
                why=_last_line(answer.stderr),
                next="run with -K to be asked for it, set ssh.sudo_password (e.g. to "
                "${SUDO_PASSWORD}), or allow that user NOPASSWD in sudoers",
            )
        self._with_password(password.get_secret_value())

    def _is_free(self) -> bool:
        """Whether sudo asks for nothing: tried at once where there is no password to give."""
        if self.host.ssh.sudo_password is not None:
            return False
        self._sudo = _FREE
        try:
            if self.run("id -u", Wrap(20, Lock.NONE)).stdout == "0\n":
                return True
        except ConnectionLost:
            # sudo said no, and why is asked next; a host that is gone does not answer that either.
            pass
        self._sudo = []
        self._retire()
        return False

    def _with_password(self, password: str) -> None:
        # -k: what sudo remembers of an earlier password would leave ours to the shell's input.
        self._sudo = ["sudo", "-k", "-S", "-H", "-p", "", "--"]
        self._password = password.encode() + b"\n"
        # Nothing but the password: a second try would take what follows for one.
        said: dict[str, list[str]] = {"out": [], "err": []}
        out, err = Lines(said["out"].append), Lines(said["err"].append)
        wire = Wire(self.channel(), shlex.join([*self._sudo, "id", "-u"]))
        try:
            wire.send(self._password)
            with losses():
                wire.channel.shutdown_write()
            deadline = time.monotonic() + 30
            wire.listen(out, err, lambda: False, lambda: deadline)
        finally:
            wire.close()
        if said["out"] != ["0"]:
            raise SshFailure(
                f"sudo does not let {self.host.ssh.user} become root",
                why=_last_line("\n".join(said["err"])) or "it said nothing",
                next="check ssh.sudo_password and the host's sudoers",
            )

    def _agent(self, as_root: bool) -> Agent:
        """An idle agent, or a new one."""
        with self._guard:
            idle = self._idle[as_root]
            agent = idle.pop() if idle else None
        if agent is None or not agent.usable:
            become, first = self.sudo if as_root else ([], b"")
            agent = Agent(self.channel(), become, first, self._notice)
        with self._guard:
            self._busy.add(agent)
        return agent

    def _retire(self) -> None:
        """Let idle agents go: who is root has changed."""
        with self._guard:
            idle = [agent for agents in self._idle.values() for agent in agents]
            self._idle = {True: [], False: []}
        for agent in idle:
            agent.close()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
