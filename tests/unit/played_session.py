"""Runs whose hosts are played: the real session, rounds and runner; only hosts' answers are ours.

Whatever is sent to a host over its connection is noted, and answered by a function of host and
command. Facts are answered one by one, though they are asked for in bulk: a fact without an answer
has its default, an operation's command without one succeeds. What operations write to files is
found there by later rounds.
"""

from __future__ import annotations

import base64
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from kubeinstall.cluster.nodes import NO_CLUSTER
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Deploys, Event, HostResult, Output
from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.phases.phase import Run
from kubeinstall.report.reporter import Silent
from kubeinstall.ssh.agent import Lock, Wrap
from kubeinstall.ssh.channel import Upload
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.reasons import SshFailure
from kubeinstall.ssh.streams import ConnectionLost
from tests.unit.local_session import given

Answer = Callable[[str, str], Output]
"""Of host and command. It may raise what a connection raises."""
Does = Callable[[str, str, str], Output]
"""Of host, an operation's command, and what it reads."""

_MARK = re.compile(r"printf '\\n(KI[0-9a-f]{16}) %s\\n' \"\$r\"; printf '\\n\1\\n' >&2\n")
_QUESTION = re.compile(r"\(eval (.*)\) </dev/null; r=\$\?", re.DOTALL)
_FILE = re.compile(r"if \[ -f (\S+) \]; then stat -L -c %a \1; ")
_EXISTS = re.compile(r"if \[ -e (\S+) \] \|\| \[ -L \1 \]; then echo yes; fi")
_WRITE = re.compile(r'mv -fT "\$(?:tmp|part)" (\S+)')
_NOTHING = Output(0, "", "")


class Why(Enum):
    """What a command is sent for."""

    FACT = "a fact of a round"
    QUESTION = "a question, or something that is asked for once"
    CHANGE = "an operation"


@dataclass(frozen=True)
class Sent:
    """A command that reached a host.

    Args:
        phase: the round's; empty outside of rounds.
        stdin: what it was given to read.
    """

    host: str
    phase: str
    why: Why
    command: str
    stdin: str


class PlayedConnection:
    """In the place of the connection to one host."""

    def __init__(self, session: PlayedSession, host: str) -> None:
        self._session = session
        self._host = host
        self._interrupted = threading.Event()

    def run(
        self,
        script: str,
        wrap: Wrap,
        *,
        stdin: str | bytes | Upload | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Output:
        if self._interrupted.is_set():
            raise ConnectionLost("cut")
        mark = _MARK.search(script)
        if mark:
            return self._facts(script, mark[1])
        text = given(stdin).decode(errors="replace")
        why = Why.CHANGE if wrap.lock is Lock.CHANGE else Why.QUESTION
        output = self._session.answered(self._host, why, script, text)
        for line in output.stdout.splitlines() if on_line else ():
            cast(Callable[[str], None], on_line)(line)
        return output

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None: ...

    def _facts(self, script: str, mark: str) -> Output:
        """Each question of the script answered, as the host's shell would have done it."""
        out = err = ""
        asked = [part for part in _MARK.split(script)[::2] if part]
        for part in asked:
            found = _QUESTION.search(part)
            assert found, part
            (question,) = shlex.split(found[1])
            answer = self._session.answered(self._host, Why.FACT, question, "")
            out += f"{answer.stdout}\n{mark} {answer.exit_code}\n"
            err += f"{answer.stderr}\n{mark}\n"
        return Output(0, out, err)


class PlayedSession(Session):
    """A session whose hosts answer with a function.

    Args:
        unreachable: hosts that cannot be connected to.
        answer: of anything that is sent to a host.
        does: what operations do that ``answer`` says nothing to.
        files: by path, what every host has at first.
        fails: host to the phase in which its operations' commands fail.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        unreachable: Iterable[str] = (),
        answer: Answer = lambda _host, _command: _NOTHING,
        does: Does = lambda _host, _command, _stdin: _NOTHING,
        files: Mapping[str, str] | None = None,
        fails: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> None:
        self.events: list[Event] = []
        super().__init__(cluster, **{"emit": self.events.append, **arguments})
        self.sent: list[Sent] = []
        self.rounds: list[tuple[str, list[str], bool]] = []
        self.files = {(host.name, p): t for host in cluster.hosts for p, t in (files or {}).items()}
        self.locked = False
        self._phase = ""
        self._unreachable = set(unreachable)
        self._answer = answer
        self._does = does
        self._fails = dict(fails or {})

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Host and command of all that is no operation's, facts that are asked for included."""
        return [(s.host, s.command) for s in self.sent if s.why is not Why.CHANGE]

    @property
    def questions(self) -> list[tuple[str, str]]:
        """The same without facts."""
        return [(s.host, s.command) for s in self.sent if s.why is Why.QUESTION]

    @property
    def did(self) -> list[tuple[str, str]]:
        """Host and command of what operations did."""
        return [(s.host, s.command) for s in self.sent if s.why is Why.CHANGE]

    def lock(self) -> None:
        """There is no other run."""
        self.locked = True

    def round(
        self,
        phase: str,
        deploys: Deploys,
        *,
        dry: bool = False,
        spare: bool = False,
    ) -> dict[str, HostResult]:
        """A real one, noted with its hosts."""
        self._phase = phase
        self.rounds.append((phase, [name for name in deploys if name in self.alive], dry))
        try:
            return super().round(phase, deploys, dry=dry, spare=spare)
        finally:
            self._phase = ""

    def answered(self, host: str, why: Why, command: str, stdin: str) -> Output:
        """What a host answers."""
        self.sent.append(Sent(host, self._phase, why, command, stdin))
        if why is Why.CHANGE and self._fails.get(host) == self._phase:
            return Output(1, "", f"{self._phase}: failed")
        answer = self._answer(host, command)
        if answer != _NOTHING:
            return answer
        if NO_CLUSTER in command:
            return Output(0, NO_CLUSTER, "")
        if why is Why.CHANGE:
            if written := _WRITE.search(command):
                self.files[host, shlex.split(written[1])[0]] = stdin
            return self._does(host, command, stdin)
        return self._from_files(host, command)

    def _from_files(self, host: str, question: str) -> Output:
        if asked := _FILE.match(question):
            text = self.files.get((host, shlex.split(asked[1])[0]))
            if text is not None:
                return Output(0, f"600\nno\n{base64.b64encode(text.encode()).decode()}\n", "")
        asked = _EXISTS.match(question)
        if asked and (host, shlex.split(asked[1])[0]) in self.files:
            return Output(0, "yes\n", "")
        return _NOTHING

    def _dial(self, host: Host) -> Connection:
        if host.name in self._unreachable:
            raise SshFailure("connection refused")
        return cast(Connection, PlayedConnection(self, host.name))


class Memory(Silent):
    """A reporter that records what is reported."""

    def __init__(self) -> None:
        super().__init__()
        self.phases: list[str] = []
        self.notes: list[str] = []
        self.waits: list[str] = []
        self.events: list[Event] = []
        self.findings: list[Finding] = []
        self.out: dict[str, Finding] = {}
        self.errors: list[Finding] = []
        self.hosts: list[str] = []

    def phase_begins(self, name: str, title: str) -> None:
        del title
        self.phases.append(name)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def waiting(self, text: str) -> None:
        self.waits.append(text)

    def note(self, text: str, host: str = "") -> None:
        self.notes.append(f"{host}: {text}" if host else text)

    def finding(self, finding: Finding) -> None:
        self.findings.append(finding)

    def ends(
        self, hosts: Iterable[str], out: Mapping[str, Finding], errors: Iterable[Finding]
    ) -> None:
        self.hosts, self.out, self.errors = list(hosts), dict(out), list(errors)


def played_run(
    cluster: Cluster, *, dry: bool = False, **session: Any
) -> tuple[Run, PlayedSession, Memory]:
    """A run over a played session."""
    memory = Memory()
    played = PlayedSession(cluster, **{"emit": memory.event, **session})
    return Run(cluster, played, memory, dry=dry), played, memory
