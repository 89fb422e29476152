"""One ssh connection to one host, kept for the whole run, and how to be root over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kubeinstall.inventory.model import Host
from kubeinstall.ssh.agent import Agent, Lock, TooLate, Wrap
from kubeinstall.ssh.channel import CommandTimeout, Upload, Wire, losses
from kubeinstall.ssh.lean import paramiko
from kubeinstall.ssh.output import Output
from kubeinstall.ssh.reasons import SshFailure
from kubeinstall.ssh.shell import NoShell, command_line, tail
from kubeinstall.ssh.streams import Budget, ConnectionLost, LineSink, Stream, TooMuchOutput
from kubeinstall.ssh.target import Target

_HOW_TO_BE_ROOT = (
    'if [ "$(id -u)" = 0 ]; then echo root; '
    "elif ! command -v sudo >/dev/null 2>&1; then echo missing; "
    "else sudo -k -n /bin/sh -c 'echo free'; fi"
)
_FREE = ["sudo", "-n", "-H", "--"]
_WITH_PASSWORD = ["sudo", "-k", "-S", "-H", "-p", "", "--"]
# -k: what sudo remembers of an earlier password would leave ours to the shell's input.
_WHO = 'echo; echo "$0 uid $(id -u)"'
_SMALL = 1 << 20
_TRIES = 5


class Connection:
    """A live connection.

    Args:
        notice: told what a user should know while waiting.
        until: the time (``clock.now``) after which nothing may begin on the host because the
            run's lock may be another's by then; None: there is no lock. Raises if the lock is lost.
    """

    def __init__(
        self,
        host: Host,
        client: paramiko.SSHClient,
        notice: Callable[[str], None],
        until: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.host = host
        self._client = client
        self._notice = notice
        self._until = until
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
            KubeinstallError: the run's lock was lost.
            ConnectionLost: the connection went away.
            CommandTimeout: it was still running when it should have ended.
            TooMuchOutput: it printed more than it may; the connection is closed.
        """
        as_root = wrap.sudo or not self._sudo
        if not as_root:
            # The locks are root's.
            wrap = Wrap(wrap.timeout, Lock.NONE, sudo=False, limit=wrap.limit)
        feed = stdin.encode() if isinstance(stdin, str) else stdin or b""
        for _ in range(_TRIES):
            self._until()
            try:
                return self._once(script, wrap, feed, on_line, as_root=as_root)
            except TooLate:
                # It was under way, or waited for another command, for longer than was allowed.
                continue
            except TooMuchOutput:
                self.close()
                raise
            except ConnectionLost:
                # If the lock was lost, that is why it was closed.
                self._until()
                raise
        raise CommandTimeout(wrap.timeout, ended=True)

    def channel(self) -> paramiko.Channel:
        """A new session channel.

        Raises:
            ConnectionLost: the connection went away.
        """
        transport = self._client.get_transport()
        if self._interrupted or transport is None or not transport.is_active():
            why = transport.get_exception() if transport else None
            raise ConnectionLost(str(why or "the connection is closed"))
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
        user = self.host.ssh.user
        try:
            if user == "root" and self._uid() == 0:
                return
            if self._is_free():
                return
            answer = self.run(_HOW_TO_BE_ROOT, Wrap(20, Lock.NONE, sudo=False, limit=_SMALL))
        except NoShell as error:
            raise self._no_shell(error) from error
        self._retire()
        said = answer.stdout.strip().rpartition("\n")[2]
        if said == "root":
            return
        if said == "missing":
            raise SshFailure(
                "there is no sudo on the host",
                why=f"the user is {user}, not root",
                next="install sudo there, or set ssh.user to root",
            )
        if said == "free":
            self._sudo = _FREE
            return
        password = self.host.ssh.sudo_password
        if password is None:
            raise SshFailure(
                f"sudo asks {user} for a password, and none is set",
                why=_last_line(answer.stderr),
                next="run with -K to be asked for it, set ssh.sudo_password (e.g. to "
                "${SUDO_PASSWORD}), or allow that user NOPASSWD in sudoers",
            )
        self._with_password(password.get_secret_value())

    def _once(
        self,
        script: str,
        wrap: Wrap,
        feed: bytes | Upload,
        on_line: LineSink | None,
        *,
        as_root: bool,
    ) -> Output:
        agent = self._agent(as_root)
        good = False
        try:
            output = agent.run(script, wrap, feed, on_line, self._until)
            good = agent.usable
            return output
        except TooLate:
            good = agent.usable
            raise
        finally:
            with self._guard:
                self._busy.discard(agent)
                if good:
                    self._idle[as_root].append(agent)
            if not good:
                agent.close()

    def _uid(self) -> int:
        """Whose the login is. The shell that says so is kept for the first command."""
        agent = self._agent(as_root=True)
        with self._guard:
            self._busy.discard(agent)
            self._idle[True].append(agent)
        return agent.uid

    def _is_free(self) -> bool:
        """Whether sudo asks for nothing: tried at once where there is no password to give."""
        if self.host.ssh.sudo_password is not None:
            return False
        self._retire()
        self._sudo = _FREE
        try:
            if self._uid() == 0:
                return True
        except NoShell:
            # sudo said no, or the login is no shell: which of both is asked next.
            pass
        self._sudo = []
        self._retire()
        return False

    def _with_password(self, password: str) -> None:
        self._sudo = _WITH_PASSWORD
        self._password = password.encode() + b"\n"
        # Nothing but the password: a second try would take what follows for one.
        mark = "KI-who-is-it"
        heard: list[str] = []

        def hear(stream: Stream, words: str) -> None:
            heard.append(words)
            stream.end()

        budget = Budget(_SMALL)
        out, err = Stream(mark, budget, hear), Stream(mark, budget, hear)
        wire = Wire(self.channel(), command_line(self._sudo, [_WHO, mark]))
        try:
            wire.send(self._password)
            with losses():
                wire.channel.shutdown_write()
            deadline = time.monotonic() + 30
            wire.listen(out, err, lambda: False, lambda: deadline)
        finally:
            wire.close()
        if heard != ["uid 0"]:
            raise SshFailure(
                f"sudo does not allow {self.host.ssh.user} to become root",
                why=_last_line(err.text) or "sudo printed nothing",
                next="check ssh.sudo_password and the host's sudoers",
            )

    def _no_shell(self, error: NoShell) -> SshFailure:
        ssh = self.host.ssh
        see = Target.of(self.host).running("id")
        said = f"it printed: {error.said}" if error.said else "it exited without any output"
        return SshFailure(
            f"the user {ssh.user} does not get a shell that runs commands",
            why=said,
            next=f"see what it does: {see}; if another login is meant, set ssh.user; a command= "
            "in authorized_keys, a login shell like nologin or rbash, or a start-up file "
            "of the shell that does not return prevents this",
        )

    def _agent(self, as_root: bool) -> Agent:
        """An idle agent, or a new one."""
        with self._guard:
            idle = self._idle[as_root]
            agent = idle.pop() if idle else None
        if agent is None or not agent.usable:
            become, first = self.sudo if as_root else ([], b"")
            try:
                agent = Agent(self.channel(), become, first, self._notice)
            except TooMuchOutput:
                self.close()
                raise
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
    return tail(text).rpartition(" / ")[2]
