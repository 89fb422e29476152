"""One host's part of a round: its deploys prepared with facts read in bulk, then executed.

pyinfra's own executor prepares hosts one after another and merges operations of different hosts;
here each host has a State of its own, in a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyinfra.context
from pyinfra.api.config import Config
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State, StateStage
from pyinfra.connectors.util import CommandOutput

from kubeinstall.engine.bulk import Facts, Request
from kubeinstall.engine.connection import CommandTimeout, Connection, ConnectionLost
from kubeinstall.engine.connector import LiveConnector
from kubeinstall.engine.types import Deploy, Event, HostResult, Status

_PASSES = 12
_TAIL = 40

# pyinfra keeps the state of "now" in one global; every thread needs its own.
pyinfra.context.ctx_state.context._container = threading.local()
pyinfra.context.init_base_classes()
# pyinfra is only partly typed.
_STATE: Any = pyinfra.context.ctx_state
_HOST: Any = pyinfra.context.ctx_host
_Inventory: Any = Inventory
_Config: Any = Config


class OperationFailed(Exception):
    """An operation failed; the event says how."""

    def __init__(self, event: Event, why: str) -> None:
        super().__init__(why)
        self.event = event
        self.why = why


@dataclass
class Task:
    """What a round does on one host.

    Args:
        data: the host's data, as ``host.data`` shows it to deploys.
        emit: told each event.
        on_line: told each line of a streamed command's output.
        stopped: set when no further operation may start.
        timeout: seconds that one command may take.
    """

    name: str
    phase: str
    connection: Connection
    facts: Facts
    data: dict[str, Any]
    emit: Callable[[Event], None]
    on_line: Callable[[str], None] | None
    clean: Callable[[str], str]
    stopped: threading.Event
    timeout: float


@dataclass
class Prepared:
    """A host's operations, in order, and which facts each of them asked for."""

    state: Any
    host: Any
    connector: LiveConnector
    asked: dict[str, list[Request]] = field(default_factory=dict)

    @property
    def operations(self) -> list[str]:
        return list(self.host.op_hash_order)

    @property
    def requests(self) -> list[Request]:
        """Every fact that was asked for."""
        return list({request: None for asked in self.asked.values() for request in asked})

    def name(self, operation: str) -> str:
        """The operation's name, without the deploys around it."""
        names = self.state.op_meta[operation].names
        return str(next(iter(names))).rpartition(" | ")[2]

    def predicted(self, operation: str) -> bool:
        """Whether it would change something, as far as can be told now."""
        return bool(self.state.ops[self.host][operation].operation_meta._maybe_is_change)

    def conditional(self, operation: str) -> bool:
        """Whether it hangs on what an earlier operation does."""
        return bool(self.state.ops[self.host][operation].global_arguments.get("_if"))


def prepare(task: Task, deploys: Sequence[Deploy]) -> Prepared:
    """Run the deploys through until every fact they ask for is known.

    Raises:
        FactError, ConnectionLost, CommandTimeout: facts could not be read.
        Exception: a deploy is at fault.
    """
    for _ in range(_PASSES):
        task.facts.missing.clear()
        task.facts.recording = True
        error: Exception | None = None
        prepared = _fresh(task)
        try:
            _record(task, prepared, deploys)
        except Exception as caught:
            # With defaults for facts a deploy may stumble; it counts if nothing more is to be read.
            error = caught
        finally:
            task.facts.recording = False
        if not task.facts.missing:
            if error:
                raise error
            return prepared
        task.facts.read(list(task.facts.missing))
    raise RuntimeError(f"after {_PASSES} passes still asking for {list(task.facts.missing)[:3]}")


def execute(task: Task, prepared: Prepared) -> HostResult:
    """Execute the operations in order; facts are read again once something has changed.

    Raises:
        OperationFailed: an operation failed; those after it did not run.
    """
    result = HostResult(task.name)
    prepared.state.is_executing = True
    prepared.state.current_stage = StateStage.Execute
    operations = prepared.operations
    for index, operation in enumerate(operations):
        if task.stopped.is_set():
            break
        with _Context(prepared):
            event = _Execution(task, prepared, operation, operations[index:]).run()
        result.events.append(event)
        task.emit(event)
    return result


def plan(task: Task, prepared: Prepared) -> HostResult:
    """What executing would do, as events."""
    result = HostResult(task.name)
    for operation in prepared.operations:
        predicted = prepared.predicted(operation)
        name = prepared.name(operation)
        if prepared.conditional(operation):
            predicted = predicted and bool(result.changed)
            name += " (if the above changes it)" if predicted else ""
        diff = ""
        if predicted:
            with _Context(prepared):
                diff = _first_diff(prepared, operation)
        status = Status.PLANNED if predicted else Status.OK
        event = Event(task.name, task.phase, name, status, diff=task.clean(diff), time=_now())
        result.events.append(event)
        task.emit(event)
    return result


class _Context:
    """pyinfra's "now" for this thread; its own context managers do not survive an exception."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def __enter__(self) -> None:
        _STATE.set(self._prepared.state)
        _HOST.set(self._prepared.host)

    def __exit__(self, *_: object) -> None:
        _STATE.set(None)
        _HOST.set(None)


class _Execution:
    """One operation's execution on one host."""

    def __init__(
        self, task: Task, prepared: Prepared, operation: str, remaining: list[str]
    ) -> None:
        self._task = task
        self._prepared = prepared
        self._operation = operation
        self._remaining = remaining
        self._output: list[str] = []
        self._diff = ""
        self._code: int | None = None
        self._began = time.monotonic()

    def run(self) -> Event:
        """Run its commands and tell how it went."""
        data = self._prepared.state.ops[self._prepared.host][self._operation]
        commands: list[Any] = []
        connector = self._prepared.connector
        connector.on_line = self._task.on_line
        try:
            self._task.facts.read(self._due())
            for command in data.command_generator():
                commands.append(command)
                self._task.facts.forget()
                if not self._run(command, data.global_arguments):
                    raise OperationFailed(self._event(Status.FAILED), self._reason())
        except OperationFailed:
            raise
        except ConnectionLost as error:
            why = f"the connection was lost ({error}); the command may still run on the host"
            raise OperationFailed(self._event(Status.FAILED), why) from error
        except CommandTimeout as error:
            raise OperationFailed(self._event(Status.FAILED), str(error)) from error
        except Exception as error:
            why = self._task.clean(str(error) or type(error).__name__)
            raise OperationFailed(self._event(Status.FAILED), why) from error
        data.operation_meta.set_complete(True, commands, CommandOutput([]))
        return self._event(Status.CHANGED if commands else Status.OK)

    def _run(self, command: Any, arguments: Any) -> bool:
        connector = self._prepared.connector
        connector.last = None
        given = {
            key: arguments[key]
            for key in ("_env", "_chdir", "_timeout", "_success_exit_codes", "_stdin")
            if arguments.get(key)
        }
        given.update(command.connector_arguments)
        self._diff += getattr(command, "diff", "")
        answer = command.execute(self._prepared.state, self._prepared.host, given)
        good = answer[0] if isinstance(answer, tuple) else answer is not False
        if connector.last is not None:
            self._code = connector.last.exit_code
            self._output += connector.last.stdout.splitlines()
            self._output += connector.last.stderr.splitlines()
        return bool(good)

    def _due(self) -> list[Request]:
        """The facts asked for from here up to the next operation that will change something."""
        due: list[Request] = []
        for operation in self._remaining:
            due += self._prepared.asked.get(operation, [])
            if self._prepared.predicted(operation):
                break
        return due

    def _reason(self) -> str:
        lines = [line for line in self._output if line.strip()]
        tail = "\n".join(lines[-6:])
        return self._task.clean(f"exit code {self._code}" + (f":\n{tail}" if tail else ""))

    def _event(self, status: Status) -> Event:
        return Event(
            host=self._task.name,
            phase=self._task.phase,
            operation=self._prepared.name(self._operation),
            status=status,
            seconds=round(time.monotonic() - self._began, 3),
            exit_code=self._code,
            output=self._task.clean("\n".join(self._output[-_TAIL:])),
            diff=self._task.clean(self._diff),
            time=_now(),
        )


def _fresh(task: Task) -> Prepared:
    """A state with just this host, over its live connection."""
    inventory = _Inventory(([(task.name, task.data)], {}))
    state = State(inventory, _Config())
    host: Any = inventory.get_host(task.name)
    connector = LiveConnector(state, host, task.connection, task.timeout)
    host.connector = connector
    host.connected = True
    state.activate_host(host)
    state.current_stage = StateStage.Prepare
    host.get_fact = task.facts.get
    return Prepared(state, host, connector)


def _record(task: Task, prepared: Prepared, deploys: Sequence[Deploy]) -> None:
    order = prepared.host.op_hash_order
    set_operation = prepared.state.set_op_data_for_host

    def noting(host: Any, operation: str, data: Any) -> None:
        prepared.asked[operation] = list(task.facts.noted)
        task.facts.noted.clear()
        set_operation(host, operation, data)

    prepared.state.set_op_data_for_host = noting
    task.facts.noted.clear()
    with _Context(prepared):
        for deploy in deploys:
            deploy()
    assert len(order) == len(prepared.asked)


def _first_diff(prepared: Prepared, operation: str) -> str:
    """The diff of a file that the operation would write first."""
    data = prepared.state.ops[prepared.host][operation]
    for command in data.command_generator():
        return getattr(command, "diff", "") or ""
    return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
