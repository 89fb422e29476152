"""Live connections to a cluster's hosts: opened, asked over, and closed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kubeinstall.engine import exits
from kubeinstall.engine.lock import PATIENCE, RunLock
from kubeinstall.engine.pool import Pool
from kubeinstall.engine.redact import Redactor
from kubeinstall.engine.types import OnLine, Output, shortened
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.known_secrets import known_secrets
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.ssh.agent import Wrap
from kubeinstall.ssh.channel import CommandTimeout
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.dialer import Dialer
from kubeinstall.ssh.reasons import SshFailure
from kubeinstall.ssh.streams import ConnectionLost, TooMuchOutput
from kubeinstall.ssh.target import Target

if TYPE_CHECKING:
    from kubeinstall.engine.backend import LiveBackend


class Connections:
    """Live connections to a cluster's hosts; one each, for as long as the session lasts.

    Args:
        on_line: called with host and line of a streamed command's output, from any thread, one at a
            time.
        forks: how many hosts are worked on at once.
        patience: seconds without a sign of life after which the lock is free for others.
    """

    def __init__(
        self,
        cluster: Cluster,
        on_line: OnLine | None = None,
        forks: int = 50,
        patience: float = PATIENCE,
    ) -> None:
        self.cluster = cluster
        self.failures: dict[str, Finding] = {}
        self.redact = Redactor(known_secrets(cluster))
        self._on_line = on_line
        self._telling = threading.Lock()
        self._patience = patience
        self.warnings: list[Finding] = []
        self._dialer = Dialer(self.warnings.append)
        self._connections: dict[str, Connection] = {}
        self._lock: RunLock | None = None
        self._pool = Pool(forks, self._interrupt, self.still_locked)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def alive(self) -> list[str]:
        """Hosts that are connected and not failed, in the cluster's order."""
        return [
            host.name
            for host in self.cluster.hosts
            if host.name in self._connections and host.name not in self.failures
        ]

    @property
    def doing(self) -> dict[str, str]:
        """Host to what it is doing now; hosts at rest are not in it."""
        return self._pool.busy

    def fail(self, host: str, finding: Finding) -> None:
        """Take a host out; later rounds skip it. The first reason stays.

        A host whose connection was cut by an interrupt has not failed.
        """
        if not self._pool.stopped.is_set():
            self.failures.setdefault(host, finding)

    def connect(self, names: Iterable[str] | None = None) -> None:
        """Connect to hosts in parallel; who cannot be reached is in ``failures`` afterwards.

        Args:
            names: hosts; default: all.

        Raises:
            KubeinstallError: interrupted.
        """
        wanted = None if names is None else set(names)
        hosts = [h for h in self.cluster.hosts if wanted is None or h.name in wanted]
        new = {h.name: h for h in hosts if h.name not in self._connections}
        self._pool.each(new, lambda name: self._connect(new[name]), "connecting")

    def lock(self) -> None:
        """Take the cluster's lock, on its first control plane that is alive.

        Raises:
            KubeinstallError: another run has it.
        """
        alive = self.alive
        if self._lock or not alive:
            return
        # Control planes come first: whoever reaches the same ones takes the lock on the same host.
        name = alive[0]
        try:
            connection = self._connections[name]
            self._lock = RunLock.take(connection, self._patience, self._lock_lost)
        except (ConnectionLost, CommandTimeout) as error:
            self.fail(name, self.lost(name, "taking the lock", error))
            self.lock()

    def still_locked(self) -> None:
        """Look whether the run may go on.

        Raises:
            KubeinstallError: the lock it had is lost; who has it now.
        """
        self._until()

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

        A host that is out because an operation failed can still be asked why.

        Raises:
            KubeinstallError: the connection was lost or the command took too long; the host is
                out then. Or interrupted.
        """
        failure = self.failures.get(host)
        if host not in self._connections or (failure and failure.kind is Kind.CONNECT):
            raise KubeinstallError(
                failure or Finding(Kind.CONNECT, "the host is not connected", hosts=(host,))
            )
        told = self.redact.stream(lambda line: on_line(host, shortened(line))) if on_line else None
        with self._pool.doing(host, "a question to the host"):
            try:
                return self._connections[host].run(
                    command, Wrap(timeout, sudo=sudo), stdin=stdin, on_line=told
                )
            except (ConnectionLost, CommandTimeout) as error:
                finding = self.lost(host, "a question to the host", error)
                self.fail(host, finding)
                raise KubeinstallError(finding) from error
            finally:
                if told:
                    told.close()

    @property
    def interrupted(self) -> bool:
        """Whether the run was: nothing more is begun then."""
        return self._pool.stopped.is_set()

    def tidy(self, host: str, command: str, *, timeout: float = 30) -> Output:
        """Have a host put something away at the end, even of a run that was interrupted.

        Raises:
            KubeinstallError: the host does not answer, or the user interrupts again.
        """
        if not self.interrupted:
            return self.ask(host, command, timeout=timeout)
        found = self.cluster.host(host)
        # An interrupt has ended all connections.
        try:
            with contextlib.closing(self._dial(found)) as connection:
                return connection.run(command, Wrap(timeout))
        except (SshFailure, ConnectionLost, CommandTimeout) as error:
            raise KubeinstallError(self._not_connected(found, error)) from error
        except KeyboardInterrupt:
            raise KubeinstallError(Finding(Kind.INTERRUPTED, "interrupted", (host,))) from None

    def ask_all(self, commands: Mapping[str, str], timeout: float = 60) -> dict[str, Output]:
        """Ask several hosts at once; who does not answer is in ``failures`` and has no result.

        Raises:
            KubeinstallError: interrupted.
        """
        answers: dict[str, Output] = {}

        def one(name: str) -> None:
            with contextlib.suppress(KubeinstallError):
                answers[name] = self.ask(name, commands[name], timeout=timeout)

        self._pool.each(commands, one, "a question to the host")
        return {name: answers[name] for name in commands if name in answers}

    def backend(self, host: str) -> LiveBackend:
        """A testinfra backend over the live connection."""
        from kubeinstall.engine.backend import LiveBackend

        return LiveBackend(host, lambda command: self.ask(host, command))

    def close(self) -> None:
        """Give the lock back and close every connection."""
        self._pool.close()
        if self._lock:
            self._lock.release()
        for connection in self._connections.values():
            connection.close()
        self._dialer.close()

    def hide(self, secret: str) -> None:
        """Hide a secret in all output from now on, here and at every exit."""
        self.redact.hide(secret)
        exits.hide([secret])

    def line(self, host: str, line: str) -> None:
        """Pass a line of output on, without secrets, and no longer than people read."""
        if self._on_line:
            with self._telling:
                self._on_line(host, shortened(self.redact(line)))

    def lost(self, host: str, doing: str, error: Exception) -> Finding:
        """The finding for a host that did not answer."""
        if isinstance(error, CommandTimeout):
            return Finding(
                Kind.OPERATION,
                f"{doing}: {error}",
                (host,),
                why="the host is up, but hangs or is too slow",
                next="to see what it is doing: "
                + Target.of(self.cluster.host(host)).running("top -b -n 1 | head -n 20"),
            )
        if isinstance(error, TooMuchOutput):
            return Finding(
                Kind.CONNECT,
                f"{doing}: the host printed too much output",
                (host,),
                why=str(error),
                next="check the host: a fault or a user floods the output of commands",
            )
        return Finding(
            Kind.CONNECT,
            f"the connection was lost during {doing}",
            (host,),
            why=str(error),
            next="check that the host is up, then run the same command again",
        )

    def _connect(self, host: Host) -> None:
        try:
            self._connections[host.name] = self._dial(host)
        except (SshFailure, ConnectionLost, CommandTimeout) as error:
            self.fail(host.name, self._not_connected(host, error))

    def _dial(self, host: Host) -> Connection:
        """A new connection to a host, as root.

        Raises:
            SshFailure, ConnectionLost, CommandTimeout: the host cannot be reached.
        """
        client = self._dialer.open(host)
        try:
            connection = Connection(
                host, client, lambda text: self.line(host.name, text), self._until
            )
            connection.become_root()
        except BaseException:
            client.close()
            raise
        return connection

    def _not_connected(self, host: Host, error: Exception) -> Finding:
        if isinstance(error, SshFailure):
            return Finding(
                Kind.CONNECT, error.what, (host.name,), self.redact(error.why), error.next
            )
        what = "the connection was lost right after the login"
        return Finding(Kind.CONNECT, what, (host.name,), str(error))

    def _until(self) -> float | None:
        """The time until which the lock is surely held; None: there is none."""
        return self._lock.until() if self._lock else None

    def _lock_lost(self) -> None:
        self._pool.stopped.set()
        self._interrupt()

    def _interrupt(self) -> None:
        self._dialer.abort()
        for connection in list(self._connections.values()):
            connection.interrupt()
