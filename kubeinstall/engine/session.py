"""A session: live connections to a cluster's hosts, and rounds of deploys over them."""

from __future__ import annotations

import gc
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kubeinstall.engine.batch import FactError
from kubeinstall.engine.connections import Connections
from kubeinstall.engine.lock import PATIENCE
from kubeinstall.engine.types import (
    Deploy,
    Deploys,
    Event,
    HostResult,
    OnLine,
    Output,
    Status,
    Step,
    shortened,
    timestamp,
)
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.ssh.agent import Wrap
from kubeinstall.ssh.channel import CommandTimeout
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.streams import ConnectionLost

if TYPE_CHECKING:
    from pyinfra.api.facts import FactBase

    from kubeinstall.engine.bulk import Facts
    from kubeinstall.engine.prepare import Task
    from kubeinstall.engine.requests import Request

_READING = "reading its state"
_FEW = 3


class Session(Connections):
    """Live connections to a cluster's hosts, and everything done over them.

    A round prepares and executes each host's own deploys, in the host's own thread. What is known
    of a host is kept from round to round, until something changes.

    Args:
        emit: called with each event, from any thread, one at a time.
        on_line: called with host and line of a streamed command's output, as ``emit``.
        forks: how many hosts are worked on at once.
        timeout: seconds that one command of an operation may take.
        patience: seconds without a sign of life after which the lock is free for others.
    """

    def __init__(
        self,
        cluster: Cluster,
        emit: Callable[[Event], None] = lambda _: None,
        on_line: OnLine | None = None,
        forks: int = 50,
        timeout: float = 600.0,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(cluster, on_line, forks, patience)
        self._emit = emit
        self._timeout = timeout
        self._facts: dict[str, Facts] = {}
        self._learned: dict[Deploy[Any], dict[Request, None]] = {}
        self._alike: set[Deploy[Any]] = set()
        self._guard = threading.Lock()

    def connect(self, names: Iterable[str] | None = None) -> None:
        """Connect to hosts; see ``Connections.connect``."""
        # pyinfra is imported while hosts answer: it takes as long as a login.
        executor = "kubeinstall.engine.execute"
        first = executor not in sys.modules
        loading = threading.Thread(target=import_module, args=(executor,))
        loading.start()
        try:
            super().connect(names)
        finally:
            loading.join()
        if first:
            # What is imported is no garbage: the collector need not look through it again.
            gc.freeze()

    @property
    def trips(self) -> dict[str, int]:
        """How many times each host's facts were read."""
        return {name: facts.trips for name, facts in self._facts.items()}

    def forget(self, host: str | None = None) -> None:
        """Something changed otherwise than by a round: read facts again.

        Args:
            host: default: all hosts.
        """
        for name, facts in self._facts.items():
            if host in (None, name):
                facts.forget()

    def prefetch(self, deploys: Deploys) -> None:
        """Read the facts that coming rounds will ask for, in one round trip a host.

        A host that a deploy refuses (a finding of the kind ``PREFLIGHT``) is in ``failures``
        afterwards: nothing was changed yet. Whatever else is wrong, the deploy's round reports.

        Raises:
            KubeinstallError: interrupted.
        """

        def work(name: str) -> None:
            refused = self._learn(name, deploys[name])
            if refused:
                self.fail(name, refused)

        self._lead(deploys, work, reads=True)

    def fact(self, host: str, fact: type[FactBase[Any]], **arguments: Any) -> Any:
        """A fact of a host, as its deploys see it: read only if it is not known.

        Raises:
            KubeinstallError: it could not be read; after a lost connection the host is out.
        """
        with self._pool.doing(host, "a question to the host"):
            task = self._task(HostResult(host), "")
            try:
                return task.facts.value(fact, arguments)
            except (ConnectionLost, CommandTimeout) as error:
                finding = self.lost(host, _READING, error)
                self.fail(host, finding)
                raise KubeinstallError(finding) from error
            except FactError as error:
                raise KubeinstallError(self._unreadable(host, error)) from error

    def round(
        self,
        phase: str,
        deploys: Deploys,
        *,
        dry: bool = False,
        spare: bool = False,
    ) -> dict[str, HostResult]:
        """Run deploys, hosts in parallel, each its own list.

        A host that fails is in ``failures`` afterwards; its result ends with the failed event.

        Args:
            dry: only tell what would be done.
            spare: a host stays in though one of its operations failed.

        Raises:
            KubeinstallError: interrupted.
        """
        return self._run(phase, deploys, dry, spare=spare)

    def preview(self, phase: str, deploys: Deploys) -> dict[str, HostResult]:
        """What ``round`` would do, told to nobody but the caller.

        Raises:
            KubeinstallError: interrupted.
        """
        return self._run(phase, deploys, dry=True, quiet=True)

    def open(self, host: str) -> tuple[Facts, Connection]:
        """A host's connection, and its facts as they are read over it."""
        from kubeinstall.engine.bulk import Facts

        connection = self._connections[host]

        def read(script: str) -> Output:
            return connection.run(script, Wrap(self._timeout))

        return Facts(read), connection

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        with self._telling:
            self._emit(event)

    def _run(
        self,
        phase: str,
        deploys: Deploys,
        dry: bool,
        *,
        quiet: bool = False,
        spare: bool = False,
    ) -> dict[str, HostResult]:
        results: dict[str, HostResult] = {}

        def work(name: str) -> None:
            results[name] = HostResult(name)
            task = self._task(results[name], phase)
            if quiet:
                task.emit = _nobody
            self._one(task, deploys[name], dry, spare)

        self._lead(deploys, work)
        if not dry and any(e.changed or e is r.failed for r in results.values() for e in r.events):
            # What one host did, another may see: a node that joined, a service that answers.
            self.forget()
        return {name: results[name] for name in deploys if name in results}

    def _lead(
        self, deploys: Deploys, work: Callable[[str], object], *, reads: bool = False
    ) -> None:
        """One host of each kind first: what it asks for, the others are asked in one go.

        Of many, two note beforehand what they would ask for: if that is the same, the others are
        asked before their deploys run through, which saves each one run of two.
        A few hosts of a kind do not wait for one of them: another round trip takes them less.

        Args:
            reads: the work is reading alone: then nobody who is not led waits.
        """
        alive = set(self.alive)
        names = [name for name in deploys if name in alive]
        leaders: dict[tuple[Deploy[Any], ...], str] = {}
        kinds = {name: tuple(step.deploy for step in deploys[name]) for name in names}
        of_kind = Counter(kinds.values())
        for name, kind in kinds.items():
            if of_kind[kind] > _FEW and not all(deploy in self._learned for deploy in kind):
                leaders.setdefault(kind, name)
        first = set(leaders.values())
        if reads:
            first.update(name for name in names if kinds[name] not in leaders)
        learn = work if reads else lambda name: self._learn(name, deploys[name])
        done = first if reads else set()
        each = self._pool.each
        last = {kind: name for name, kind in kinds.items()}
        pairs = {name: last[kind] for kind, name in leaders.items()}
        each(pairs, lambda name: self._compare(deploys, name, pairs[name]), _READING)
        each([n for n in names if n in first], learn, _READING)
        each([n for n in names if n not in self.failures and n not in done], work, _READING)

    def _one(self, task: Task, steps: Sequence[Step[Any]], dry: bool, spare: bool) -> None:
        from kubeinstall.engine.execute import OperationFailed, execute, plan
        from kubeinstall.engine.prepare import OF_A_HOST, prepare

        name, phase = task.name, task.phase
        try:
            prepared = prepare(task, steps, self._likely(steps), alike=self._are_alike(steps))
            self._note(prepared.asked_by)
        except KubeinstallError as error:
            self._fail(task, error.findings[0])
        except (ConnectionLost, CommandTimeout) as error:
            self._fail(task, self.lost(name, _READING, error))
        except FactError as error:
            self._fail(task, self._unreadable(name, error))
        except OF_A_HOST as error:
            why = shortened(self.redact(f"{type(error).__name__}: {error}"))
            self._fail(task, Finding(Kind.OPERATION, f"{phase} cannot be prepared", (name,), why))
        else:
            try:
                (plan if dry else execute)(task, prepared)
            except OperationFailed as failure:
                if spare:
                    return
                what = f"{failure.operation}: failed"
                self.fail(name, Finding(Kind.OPERATION, what, (name,), failure.why))

    def _learn(self, name: str, steps: Sequence[Step[Any]]) -> Finding | None:
        """Read what deploys ask for; why one of them refuses the host, if one does."""
        from kubeinstall.engine.prepare import gather

        task = self._task(HostResult(name), "")
        try:
            prepared, errors = gather(
                task, steps, self._likely(steps), alike=self._are_alike(steps)
            )
            self._note(prepared.asked_by)
        except FactError:
            # Its round will tell.
            return None
        except (ConnectionLost, CommandTimeout) as error:
            self._fail(task, self.lost(name, _READING, error))
            return None
        refusals = [e.findings[0] for e in errors if isinstance(e, KubeinstallError) and e.findings]
        return next((one for one in refusals if one.kind is Kind.PREFLIGHT), None)

    def _compare(self, deploys: Deploys, *names: str) -> None:
        """Note which deploys ask for the same on these hosts, as far as that is known yet."""
        from kubeinstall.engine.prepare import note

        tasks = [self._task(HostResult(name), "") for name in names]
        one, other = (note(t, deploys[t.name])[0].asked_by for t in tasks)
        self._alike |= {deploy for deploy, asked in one.items() if set(asked) == set(other[deploy])}

    def _are_alike(self, steps: Sequence[Step[Any]]) -> bool:
        return all(step.deploy in self._alike for step in steps)

    def _likely(self, steps: Sequence[Step[Any]]) -> list[Request]:
        with self._guard:
            return [r for step in steps for r in self._learned.get(step.deploy, ())]

    def _note(self, asked_by: Mapping[Deploy[Any], Sequence[Request]]) -> None:
        with self._guard:
            for deploy, asked in asked_by.items():
                self._learned.setdefault(deploy, {}).update(dict.fromkeys(asked))

    def _unreadable(self, host: str, error: FactError) -> Finding:
        why = shortened(self.redact(str(error)))
        return Finding(Kind.OPERATION, "its state cannot be read", (host,), why)

    def _fail(self, task: Task, finding: Finding) -> None:
        self.fail(task.name, finding)
        event = Event(
            host=task.name,
            phase=task.phase,
            operation="Read the host's state",
            operation_id="facts.read",
            status=Status.FAILED,
            output=finding.why,
            time=timestamp(),
        )
        task.tell(event)

    def _task(self, result: HostResult, phase: str) -> Task:
        from kubeinstall.engine.prepare import Task

        name = result.host
        facts, connection = self.open(name)
        return Task(
            name=name,
            phase=phase,
            connection=connection,
            facts=self._facts.setdefault(name, facts),
            result=result,
            emit=self.tell,
            starts=lambda what: self._pool.now_at(name, what),
            on_line=lambda line: self.line(name, line),
            clean=self.redact,
            hide=self.hide,
            stream=self.redact.stream,
            stopped=self._pool.stopped,
            timeout=self._timeout,
        )


def _nobody(_: Event) -> None: ...
