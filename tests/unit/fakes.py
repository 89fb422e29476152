"""A session without hosts, and a reporter that remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from kubeinstall.cluster.nodes import NO_CLUSTER
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Deploy, Event, HostResult, Output, Status
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases.phase import Run
from kubeinstall.report.reporter import Silent

Answer = Callable[[str, str], Output]


class FakeSession:
    """Answers questions with a function, and rounds with events it was given.

    Args:
        unreachable: hosts that cannot be connected to.
        answer: of host and command.
        fails: host to the phase in which its operation fails.
        changes: phases in which every host changes something.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        unreachable: Iterable[str] = (),
        answer: Answer = lambda _host, _command: Output(0, "", ""),
        fails: Mapping[str, str] | None = None,
        changes: Iterable[str] = (),
    ) -> None:
        self.cluster = cluster
        self.failures: dict[str, Finding] = {}
        self.warnings: list[Finding] = []
        self.rounds: list[tuple[str, list[str], bool]] = []
        self.asked: list[tuple[str, str]] = []
        self.prefetched: list[str] = []
        self.data: dict[str, dict[str, Any]] = {}
        self.locked = False
        self._connected: set[str] = set()
        self._unreachable = set(unreachable)
        self._answer = answer
        self._fails = dict(fails or {})
        self._changes = set(changes)

    @property
    def alive(self) -> list[str]:
        return [
            host.name
            for host in self.cluster.hosts
            if host.name in self._connected and host.name not in self.failures
        ]

    def connect(self, names: Iterable[str] | None = None) -> None:
        for name in [h.name for h in self.cluster.hosts] if names is None else names:
            if name in self._unreachable:
                self.fail(name, Finding(Kind.CONNECT, "connection refused", name))
            else:
                self._connected.add(name)

    def lock(self) -> None:
        self.locked = True

    def still_locked(self) -> None:
        """The lock is never lost here."""

    def fail(self, host: str, finding: Finding) -> None:
        self.failures.setdefault(host, finding)

    def set_data(self, host: str, key: str, value: Any) -> None:
        self.data.setdefault(host, {})[key] = value

    def forget(self, host: str | None = None) -> None:
        """Nothing is remembered here."""

    def prefetch(self, deploys: Mapping[str, Sequence[Deploy]]) -> None:
        self.prefetched.extend(deploys)

    def preview(self, phase: str, deploys: Mapping[str, Sequence[Deploy]]) -> dict[str, HostResult]:
        would = Status.PLANNED if phase in self._changes else Status.OK
        return {
            name: HostResult(name, [Event(name, phase, "Something", would)])
            for name in deploys
            if name in self.alive
        }

    def fact(self, host: str, fact: type[Any], **arguments: Any) -> Any:
        """As its command is answered, or its default."""
        answer = self.ask(host, fact().command(**arguments))
        lines = answer.stdout.splitlines()
        return fact().process(lines) if lines else fact.default()

    def round(
        self,
        phase: str,
        deploys: Mapping[str, Sequence[Deploy]],
        *,
        dry: bool = False,
        spare: bool = False,
    ) -> dict[str, HostResult]:
        names = [name for name in deploys if name in self.alive]
        self.rounds.append((phase, names, dry))
        results = {}
        for name in names:
            status = Status.CHANGED if phase in self._changes else Status.OK
            if self._fails.get(name) == phase:
                status = Status.FAILED
                finding = Finding(Kind.OPERATION, f"{phase}: failed", name, "exit code 1")
                if not spare:
                    self.fail(name, finding)
            results[name] = HostResult(name, [Event(name, phase, "Something", status)])
        return results

    def ask(self, host: str, command: str, **_: Any) -> Output:
        self.asked.append((host, command))
        answer = self._answer(host, command)
        if NO_CLUSTER in command and answer == Output(0, "", ""):
            return Output(0, NO_CLUSTER, "")
        return answer

    interrupted = False  # a run that was

    def tidy(self, host: str, command: str, *, timeout: float = 30) -> Output:
        del timeout
        return self.ask(host, command)

    def ask_all(self, commands: Mapping[str, str], timeout: float = 60) -> dict[str, Output]:
        del timeout
        return {host: self.ask(host, command) for host, command in commands.items()}


class Memory(Silent):
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.phases: list[str] = []
        self.notes: list[str] = []
        self.waits: list[str] = []
        self.findings: list[Finding] = []
        self.out: dict[str, Finding] = {}
        self.errors: list[Finding] = []
        self.hosts: list[str] = []

    def phase_begins(self, name: str, title: str) -> None:
        del title
        self.phases.append(name)

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


def fake_run(
    cluster: Cluster, *, dry: bool = False, **session: Any
) -> tuple[Run, FakeSession, Memory]:
    """A run over a fake session."""
    fake, memory = FakeSession(cluster, **session), Memory()
    return Run(cluster, cast(Session, fake), memory, dry=dry), fake, memory
