"""Rounds over all hosts: each prepares and executes its own deploys, in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubeinstall.engine.bulk import FactError, Facts, Request
from kubeinstall.engine.types import Deploy, Event, HostResult, Status, shortened
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.ssh.channel import CommandTimeout
from kubeinstall.ssh.streams import ConnectionLost

if TYPE_CHECKING:
    from pyinfra.api.facts import FactBase

    from kubeinstall.engine.prepare import Task
    from kubeinstall.engine.session import Session

_READING = "reading its state"


class Rounds:
    """What is known of hosts from round to round, and how a round goes."""

    def __init__(self, session: Session) -> None:
        self.data: dict[str, dict[str, Any]] = {}
        self._session = session
        self._facts: dict[str, Facts] = {}
        self._learned: dict[Deploy, dict[Request, None]] = {}
        self._guard = threading.Lock()

    @property
    def trips(self) -> dict[str, int]:
        """How many times each host's facts were read."""
        return {name: facts.trips for name, facts in self._facts.items()}

    def forget(self, host: str | None = None) -> None:
        """What was read of a host, or of all, no longer holds."""
        for name, facts in self._facts.items():
            if host in (None, name):
                facts.forget()

    def prefetch(self, deploys: Mapping[str, Sequence[Deploy]]) -> None:
        """Read what coming rounds will ask for; a host that one of them refuses is out at once."""

        def work(name: str) -> None:
            refused = self._learn(name, deploys[name])
            if refused:
                self._session.fail(name, refused)

        self._lead(deploys, work)

    def run(
        self,
        phase: str,
        deploys: Mapping[str, Sequence[Deploy]],
        dry: bool,
        *,
        quiet: bool = False,
        spare: bool = False,
    ) -> dict[str, HostResult]:
        """A round; see ``Session.round`` and, for a quiet one, ``Session.preview``."""
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

    def fact(self, name: str, fact: type[FactBase[Any]], arguments: Mapping[str, Any]) -> Any:
        """See ``Session.fact``."""
        task = self._task(HostResult(name), "")
        try:
            return task.facts.value(fact, arguments)
        except (ConnectionLost, CommandTimeout) as error:
            finding = self._session.lost(name, _READING, error)
            self._session.fail(name, finding)
            raise KubeinstallError(finding) from error
        except FactError as error:
            why = shortened(self._session.redact(str(error)))
            finding = Finding(Kind.OPERATION, "its state cannot be read", name, why)
            raise KubeinstallError(finding) from error

    def _lead(self, deploys: Mapping[str, Sequence[Deploy]], work: Callable[[str], object]) -> None:
        """One host of each kind first: what it asks for, the others are asked in one go."""
        alive = set(self._session.alive)
        names = [name for name in deploys if name in alive]
        leaders: dict[tuple[Deploy, ...], str] = {}
        kinds = [tuple(deploys[name]) for name in names]
        for name, kind in zip(names, kinds, strict=True):
            if kinds.count(kind) > 1 and not all(deploy in self._learned for deploy in kind):
                leaders.setdefault(kind, name)
        each = self._session.pool.each
        each(leaders.values(), lambda name: self._learn(name, deploys[name]), _READING)
        each([n for n in names if n not in self._session.failures], work, _READING)

    def _one(self, task: Task, deploys: Sequence[Deploy], dry: bool, spare: bool) -> None:
        from kubeinstall.engine.execute import OperationFailed, execute, plan
        from kubeinstall.engine.prepare import prepare

        name, phase = task.name, task.phase
        try:
            prepared = prepare(task, deploys, self._likely(deploys))
            self._note(prepared.asked_by)
        except KubeinstallError as error:
            self._fail(task, error.findings[0])
        except (ConnectionLost, CommandTimeout) as error:
            self._fail(task, self._session.lost(name, _READING, error))
        except FactError as error:
            why = shortened(self._session.redact(str(error)))
            self._fail(task, Finding(Kind.OPERATION, "its state cannot be read", name, why))
        except Exception as error:
            why = shortened(self._session.redact(f"{type(error).__name__}: {error}"))
            self._fail(task, Finding(Kind.OPERATION, f"{phase} cannot be prepared", name, why))
        else:
            try:
                (plan if dry else execute)(task, prepared)
            except OperationFailed as failure:
                if spare:
                    return
                what = f"{failure.operation}: failed"
                self._session.fail(name, Finding(Kind.OPERATION, what, name, failure.why))

    def _learn(self, name: str, deploys: Sequence[Deploy]) -> Finding | None:
        """Read what deploys ask for; why one of them refuses the host, if one does."""
        from kubeinstall.engine.prepare import gather

        task = self._task(HostResult(name), "")
        try:
            prepared, errors = gather(task, deploys, self._likely(deploys))
            self._note(prepared.asked_by)
        except FactError:
            # Its round will tell.
            return None
        except (ConnectionLost, CommandTimeout) as error:
            self._fail(task, self._session.lost(name, _READING, error))
            return None
        refusals = [e.findings[0] for e in errors if isinstance(e, KubeinstallError) and e.findings]
        return next((one for one in refusals if one.kind is Kind.PREFLIGHT), None)

    def _likely(self, deploys: Sequence[Deploy]) -> list[Request]:
        with self._guard:
            return [r for deploy in deploys for r in self._learned.get(deploy, ())]

    def _note(self, asked_by: Mapping[Deploy, Sequence[Request]]) -> None:
        with self._guard:
            for deploy, asked in asked_by.items():
                self._learned.setdefault(deploy, {}).update(dict.fromkeys(asked))

    def _fail(self, task: Task, finding: Finding) -> None:
        self._session.fail(task.name, finding)
        event = Event(
            task.name, task.phase, "Read the host's state", Status.FAILED, output=finding.why
        )
        task.tell(event)

    def _task(self, result: HostResult, phase: str) -> Task:
        from kubeinstall.engine.prepare import Task

        name = result.host
        session = self._session
        facts, connection = session.open(name)
        node = session.cluster.host(name)
        return Task(
            name=name,
            phase=phase,
            connection=connection,
            facts=self._facts.setdefault(name, facts),
            data={"cluster": session.cluster, "node": node, **self.data.get(name, {})},
            result=result,
            emit=session.tell,
            starts=lambda what: session.pool.now_at(name, what),
            on_line=lambda line: session.line(name, line),
            clean=session.redact,
            hide=session.hide,
            stream=session.redact.stream,
            stopped=session.pool.stopped,
            timeout=session.timeout,
        )


def _nobody(_: Event) -> None: ...
