"""A session: live connections to a cluster's hosts, and everything done over them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import paramiko

from kubeinstall.engine.bulk import FactError, Facts
from kubeinstall.engine.connection import CommandTimeout, Connection, ConnectionLost, Wrap
from kubeinstall.engine.lock import RunLock
from kubeinstall.engine.redact import Redactor
from kubeinstall.engine.ssh import SshFailure
from kubeinstall.engine.types import Deploy, Event, HostResult, OnLine, Output, Status
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host

if TYPE_CHECKING:
    from kubeinstall.engine.backend import LiveBackend
    from kubeinstall.engine.round import Prepared, Task

T = TypeVar("T")

_CONNECT_TIMEOUT = 15.0


class Session:
    """Live connections to a cluster's hosts; one each, for as long as the session lasts.

    Args:
        emit: told each event, from any thread.
        on_line: told host and line of a streamed command's output, from any thread.
        forks: how many hosts are worked on at once.
        timeout: seconds that one command of an operation may take.
    """

    def __init__(
        self,
        cluster: Cluster,
        emit: Callable[[Event], None] = lambda _: None,
        on_line: OnLine | None = None,
        forks: int = 50,
        timeout: float = 600.0,
    ) -> None:
        self.cluster = cluster
        self.failures: dict[str, Finding] = {}
        self.redact = Redactor(_secrets(cluster))
        self._emit = emit
        self._on_line = on_line
        self._timeout = timeout
        self._connections: dict[str, Connection] = {}
        self._bastions: dict[str, paramiko.SSHClient] = {}
        self._facts: dict[str, Facts] = {}
        self._data: dict[str, dict[str, Any]] = {}
        self._learned: dict[tuple[Deploy, ...], list[Any]] = {}
        self._lock: RunLock | None = None
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(forks, thread_name_prefix="host")

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self, names: Iterable[str] | None = None) -> None:
        """Connect to hosts in parallel; who cannot be reached is in ``failures`` afterwards.

        Args:
            names: hosts; default: all.
        """
        wanted = None if names is None else set(names)
        hosts = [h for h in self.cluster.hosts if wanted is None or h.name in wanted]
        new = {h.name: h for h in hosts if h.name not in self._connections}
        self._each(new, lambda name: self._connect(new[name]))

    @property
    def alive(self) -> list[str]:
        """Hosts that are connected and not failed, in the cluster's order."""
        return [
            host.name
            for host in self.cluster.hosts
            if host.name in self._connections and host.name not in self.failures
        ]

    def fail(self, host: str, finding: Finding) -> None:
        """Take a host out; later rounds skip it. The first reason stays."""
        self.failures.setdefault(host, finding)

    def set_data(self, host: str, key: str, value: Any) -> None:
        """Give a host's deploys something, in memory: ``host.data.<key>``.

        What was read of the host before may have hung on it, so that is forgotten.
        """
        data = self._data.setdefault(host, {})
        if data.get(key) != value:
            data[key] = value

    def lock(self) -> None:
        """Take the cluster's lock, on its first control plane if that is alive.

        Raises:
            KubeinstallError: another run has it.
        """
        alive = self.alive
        if not alive:
            return
        name = self.cluster.first.name if self.cluster.first.name in alive else alive[0]
        try:
            self._lock = RunLock.take(self._connections[name])
        except ConnectionLost as error:
            self.fail(name, self._lost(name, "taking the lock", error))
            self.lock()

    def prefetch(self, deploys: Mapping[str, Sequence[Deploy]]) -> None:
        """Read the facts that coming rounds will ask for, in one round trip a host.

        A deploy that cannot be prepared yet, because it builds on an earlier one, is no failure
        here: its round prepares it again.
        """
        self._lead(deploys, lambda name: self._learn(name, deploys[name]))

    def round(
        self, phase: str, deploys: Mapping[str, Sequence[Deploy]], *, dry: bool = False
    ) -> dict[str, HostResult]:
        """Run deploys, hosts in parallel, each its own list.

        A host that fails is in ``failures`` afterwards; its result ends with the failed event.

        Args:
            dry: only tell what would be done.

        Raises:
            KubeinstallError: interrupted.
        """
        results: dict[str, HostResult] = {}

        def work(name: str) -> None:
            results[name] = HostResult(name)
            results[name] = self._round(name, phase, deploys[name], dry)

        self._lead(deploys, work)
        if not dry and any(e.changed for r in results.values() for e in r.events):
            # What one host did, another may see: a node that joined, a service that answers.
            for facts in self._facts.values():
                facts.forget()
        return results

    def ask(
        self,
        host: str,
        command: str,
        *,
        stdin: str | None = None,
        timeout: float = 60,
        sudo: bool = True,
        on_line: OnLine | None = None,
    ) -> Output:
        """Ask a host something, or have it do something once.

        Raises:
            KubeinstallError: the connection was lost or the command took too long; the host is
                out then.
        """
        connection = self._connections.get(host)
        if connection is None or host in self.failures:
            known = self.failures.get(host)
            raise KubeinstallError(
                known or Finding(Kind.CONNECT, "the host is not connected", where=host)
            )
        told = (lambda line: on_line(host, self.redact(line))) if on_line else None
        try:
            return connection.run(
                command, Wrap(timeout, sudo=sudo, shared=True), stdin=stdin, on_line=told
            )
        except (ConnectionLost, CommandTimeout) as error:
            finding = self._lost(host, "a question to the host", error)
            self.fail(host, finding)
            raise KubeinstallError(finding) from error

    def ask_all(self, commands: Mapping[str, str], timeout: float = 60) -> dict[str, Output]:
        """Ask several hosts at once; who does not answer is in ``failures`` and has no result."""
        answers: dict[str, Output] = {}

        def one(name: str) -> None:
            with contextlib.suppress(KubeinstallError):
                answers[name] = self.ask(name, commands[name], timeout=timeout)

        self._each(commands, one)
        return {name: answers[name] for name in commands if name in answers}

    def backend(self, host: str) -> LiveBackend:
        """A testinfra backend over the live connection."""
        from kubeinstall.engine.backend import LiveBackend

        return LiveBackend(host, lambda command: self.ask(host, command))

    def close(self) -> None:
        """Give the lock back and close every connection."""
        self._stopped.set()
        if self._lock:
            self._lock.release()
            self._lock = None
        for connection in self._connections.values():
            connection.close()
        for bastion in self._bastions.values():
            bastion.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _connect(self, host: Host) -> None:
        try:
            connection = Connection.open(host, _CONNECT_TIMEOUT, self._bastions)
        except SshFailure as failure:
            why, then = self.redact(failure.why), failure.next
            self.fail(host.name, Finding(Kind.CONNECT, failure.what, host.name, why, then))
        except (ConnectionLost, CommandTimeout) as error:
            what = "the connection was lost right after the login"
            self.fail(host.name, Finding(Kind.CONNECT, what, host.name, str(error)))
        else:
            self._connections[host.name] = connection
            self._facts[host.name] = Facts(
                lambda script: connection.run(
                    script, Wrap(self._timeout, shared=True), as_stdin=True
                )
            )

    def _round(self, name: str, phase: str, deploys: Sequence[Deploy], dry: bool) -> HostResult:
        from kubeinstall.engine import round as rounds

        made = self._prepare(name, phase, deploys)
        if made is None:
            return HostResult(name)
        task, prepared = made
        if dry:
            return rounds.plan(task, prepared)
        try:
            return rounds.execute(task, prepared)
        except rounds.OperationFailed as failure:
            self._emit(failure.event)
            self.fail(
                name,
                Finding(Kind.OPERATION, f"{failure.event.operation}: failed", name, failure.why),
            )
            return HostResult(name, [failure.event])

    def _prepare(
        self, name: str, phase: str, deploys: Sequence[Deploy]
    ) -> tuple[Task, Prepared] | None:
        from kubeinstall.engine import round as rounds

        task = self._task(name, phase)
        key = tuple(deploys)
        try:
            task.facts.read(self._learned.get(key, ()))
            prepared = rounds.prepare(task, deploys)
        except (ConnectionLost, CommandTimeout) as error:
            self._fail_preparing(name, phase, self._lost(name, "reading facts", error))
        except FactError as error:
            why = self.redact(str(error))
            finding = Finding(Kind.OPERATION, "its state cannot be read", name, why)
            self._fail_preparing(name, phase, finding)
        except Exception as error:
            why = self.redact(f"{type(error).__name__}: {error}")
            finding = Finding(Kind.OPERATION, f"{phase}: cannot be prepared", name, why)
            self._fail_preparing(name, phase, finding)
        else:
            self._learned.setdefault(key, prepared.requests)
            return task, prepared
        return None

    def _learn(self, name: str, deploys: Sequence[Deploy]) -> None:
        from kubeinstall.engine import round as rounds

        task = self._task(name, "")
        key = tuple(deploys)
        try:
            task.facts.read(self._learned.get(key, ()))
            prepared = rounds.prepare(task, deploys)
        except (ConnectionLost, CommandTimeout) as error:
            self._fail_preparing(name, "", self._lost(name, "reading facts", error))
        except Exception:
            return
        else:
            self._learned.setdefault(key, prepared.requests)

    def _fail_preparing(self, name: str, phase: str, finding: Finding) -> None:
        self.fail(name, finding)
        self._emit(Event(name, phase, "Read the host's state", Status.FAILED, output=finding.why))

    def _task(self, name: str, phase: str) -> Task:
        from kubeinstall.engine.round import Task

        on_line = self._on_line
        node = self.cluster.host(name)
        return Task(
            name=name,
            phase=phase,
            connection=self._connections[name],
            facts=self._facts[name],
            data={"cluster": self.cluster, "node": node, **self._data.get(name, {})},
            emit=self._emit,
            on_line=(lambda line: on_line(name, self.redact(line))) if on_line else None,
            clean=self.redact,
            stopped=self._stopped,
            timeout=self._timeout,
        )

    def _lost(self, name: str, doing: str, error: Exception) -> Finding:
        if isinstance(error, CommandTimeout):
            what = f"{doing}: {error}"
            return Finding(Kind.OPERATION, what, name, "the host is up, but hangs or is too slow")
        return Finding(
            Kind.CONNECT,
            f"the connection was lost during {doing}",
            name,
            why=str(error),
            next="see whether the host is up, then run the same command again",
        )

    def _lead(self, deploys: Mapping[str, Sequence[Deploy]], work: Callable[[str], object]) -> None:
        """One host of each kind first: what it asks for, the others are asked in one go."""
        alive = set(self.alive)
        names = [name for name in deploys if name in alive]
        leaders: dict[tuple[Deploy, ...], str] = {}
        for name in names:
            key = tuple(deploys[name])
            if key not in self._learned:
                leaders.setdefault(key, name)
        first = [name for name in names if name in leaders.values()]
        if len(names) > len(first):
            self._each(first, lambda name: self._learn(name, deploys[name]))
        self._each([name for name in names if name not in self.failures], work)

    def _each(self, names: Iterable[str], work: Callable[[str], T]) -> None:
        """Do it for every host in parallel.

        Raises:
            KubeinstallError: interrupted.
        """
        futures: dict[str, Future[T]] = {n: self._pool.submit(work, n) for n in names}
        try:
            for future in futures.values():
                future.result()
        except KeyboardInterrupt:
            running = [name for name, future in futures.items() if not future.done()]
            self._interrupt()
            raise KubeinstallError(
                Finding(
                    Kind.INTERRUPTED,
                    "interrupted",
                    where=", ".join(running),
                    why="what was running there may still run to its end",
                    next="run the same command again: it waits for it, then goes on",
                )
            ) from None

    def _interrupt(self) -> None:
        self._stopped.set()
        for connection in self._connections.values():
            connection.interrupt()


def _secrets(cluster: Cluster) -> list[str]:
    found = []
    for host in cluster.hosts:
        for secret in (host.ssh.password, host.ssh.sudo_password, host.ssh.key_passphrase):
            if secret is not None:
                found.append(secret.get_secret_value())
    return found
