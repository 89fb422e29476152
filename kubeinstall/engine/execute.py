"""Execute a host's prepared operations, or tell what executing them would do."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS
from pyinfra.api.command import StringCommand
from pyinfra.connectors.util import CommandOutput

from kubeinstall.engine.connector import lines
from kubeinstall.engine.lock import LockLost
from kubeinstall.engine.prepare import OF_A_HOST, Task
from kubeinstall.engine.requests import Request
from kubeinstall.engine.state import HostState, Operation
from kubeinstall.engine.types import Event, Kept, Output, Status, shortened, timestamp
from kubeinstall.ssh.channel import CommandTimeout
from kubeinstall.ssh.streams import ConnectionLost, TooMuchOutput

_TAIL = 40
_REASON = 6
_COMMAND = 160
_SEEN = 1 << 16
"""Characters at the end of an output that are looked at."""


class OperationFailed(Exception):
    """An operation failed; its event has been told."""

    def __init__(self, operation: str, why: str) -> None:
        super().__init__(why)
        self.operation = operation
        self.why = why


def execute(task: Task, prepared: HostState) -> None:
    """Execute the operations in order; facts are read again once something has changed.

    Raises:
        OperationFailed: an operation failed; those after it did not run.
        Exception: an operation is at fault.
    """
    prepared.start()
    operations = prepared.operations
    changed = False
    with prepared:
        for index, operation in enumerate(operations):
            if task.stopped.is_set():
                return
            if not changed and _settled(task, operation):
                task.tell(_done(task, operation, []))
                continue
            task.starts(operation.name)
            commands = _Execution(task, prepared, operation, _due(operations[index:])).run()
            changed = changed or bool(commands)


def plan(task: Task, prepared: HostState) -> None:
    """Tell what executing would do, as events; each operation counts as done for the next.

    Raises:
        OperationFailed: an operation cannot tell.
        Exception: an operation is at fault.
    """
    prepared.start()
    changed = False
    with prepared:
        for operation in prepared.operations:
            again = changed or not _settled(task, operation)
            commands = _would_run(task, operation) if again else []
            changed = changed or bool(commands)
            task.tell(_done(task, operation, commands))


def _settled(task: Task, operation: Operation) -> bool:
    """Whether an operation need not run through again on a host that nothing has changed yet.

    A no-op costs an operation one run then instead of two, and says the same.
    """
    facts = task.facts
    return operation.settled and not facts.doubtful and facts.known(operation.asked)


def _done(task: Task, operation: Operation, commands: list[Any]) -> Event:
    """The event of an operation that counts as done, and would have run these commands."""
    operation.data.operation_meta.set_complete(True, commands, CommandOutput([]))
    return Event(
        host=task.name,
        phase=task.phase,
        operation=operation.name,
        operation_id=operation.id,
        status=Status.PLANNED if commands else Status.OK,
        output="because of a change above" if operation.conditional and commands else "",
        diff=task.clean("".join(getattr(c, "diff", "") for c in commands)) if commands else "",
        time=timestamp(),
    )


def _would_run(task: Task, operation: Operation) -> list[Any]:
    commands: list[Any] = []
    try:
        commands.extend(operation.commands())
    except Exception as error:
        # Its later commands may need what its first ones do.
        if not operation.predicted and not commands:
            if not isinstance(error, OF_A_HOST):
                raise
            why = task.clean(f"{type(error).__name__}: {error}")
            task.tell(
                Event(
                    host=task.name,
                    phase=task.phase,
                    operation=operation.name,
                    operation_id=operation.id,
                    status=Status.FAILED,
                    output=why,
                    time=timestamp(),
                )
            )
            raise OperationFailed(operation.name, why) from error
    return commands


def _due(operations: list[Operation]) -> list[Request]:
    """The facts asked for from the first of these up to the next that will change something."""
    due: list[Request] = []
    for operation in operations:
        due += operation.asked
        if operation.predicted:
            break
    return due


class _Execution:
    """One operation's execution on one host."""

    def __init__(
        self, task: Task, prepared: HostState, operation: Operation, due: list[Request]
    ) -> None:
        self._task = task
        self._prepared = prepared
        self._operation = operation
        self._due = due
        self._diff = ""
        self._kept: list[Kept] = []
        self._commands: list[Any] = []
        self._began = time.monotonic()
        prepared.connector.ran.clear()

    def run(self) -> list[Any]:
        """Run its commands, with pyinfra's arguments for retries and errors, and tell the event.

        Returns:
            the commands.

        Raises:
            OperationFailed: it failed.
        """
        try:
            self._task.facts.read(self._due)
            good = self._try_again()
        except (OperationFailed, LockLost):
            raise
        except TooMuchOutput as error:
            raise self._failed(f"{self._last_command()}: {error}") from error
        except ConnectionLost as error:
            why = f"the connection was lost ({error}); its command may still run on the host"
            raise self._failed(why) from error
        except CommandTimeout as error:
            raise self._failed(str(error)) from error
        except OF_A_HOST as error:
            raise self._failed(str(error) or type(error).__name__) from error
        if not good and not self._operation.arguments.get("_ignore_errors"):
            raise self._failed(self._reason())
        ran = lines(Output(0, *self._output()))
        self._operation.data.operation_meta.set_complete(good, self._commands, ran)
        self._task.tell(self._event(Status.CHANGED if self._commands else Status.OK))
        return self._commands

    def _try_again(self) -> bool:
        """All commands, again while ``_retries`` and ``_retry_until`` say so."""
        arguments = self._operation.arguments
        left = int(arguments.get("_retries") or 0)
        until = arguments.get("_retry_until")
        while True:
            good = self._all()
            if left <= 0 or (good and not (until and until(self._as_retry_data()))):
                return good
            left -= 1
            if self._task.stopped.wait(float(arguments.get("_retry_delay") or 0)):
                return good

    def _all(self) -> bool:
        good = True
        self._commands.clear()
        self._prepared.connector.ran.clear()
        self._diff = ""
        self._kept.clear()
        for command in self._operation.commands():
            self._commands.append(command)
            if not self._one(command):
                good = False
                if not self._operation.arguments.get("_continue_on_error"):
                    break
        return good

    def _one(self, command: Any) -> bool:
        arguments = self._operation.arguments
        given = {key: arguments[key] for key in CONNECTOR_ARGUMENT_KEYS if arguments.get(key)}
        given.update(command.connector_arguments)
        self._diff += getattr(command, "diff", "")
        for secret in getattr(command, "secrets", ()):
            self._task.hide(secret)
        before = len(self._prepared.connector.ran)
        answer = command.execute(self._prepared.state, self._prepared.host, given)
        if kept := getattr(command, "kept", None):
            printed = "".join(o.stdout for o in self._prepared.connector.ran[before:])
            self._kept += [Kept(**one) for one in kept(self._clean(printed))]
        return bool(answer[0]) if isinstance(answer, tuple) else answer is not False

    def _failed(self, why: str) -> OperationFailed:
        why = self._clean(why)
        event = self._event(Status.FAILED)
        # A command that was cut off has no output to tell why.
        self._task.tell(event if event.output else replace(event, output=why))
        return OperationFailed(self._operation.name, why)

    def _reason(self) -> str:
        out, err = self._output()
        # Redacted before it is cut: half of a key is not known as one.
        said = self._seen(err or out)
        tail = [line for line in said.splitlines() if line.strip()][-_REASON:]
        head = f"{self._last_command()} exited with code {self._exit_code()}"
        return "\n".join([f"{head}:" if tail else head, *tail])

    def _last_command(self) -> str:
        """What it ran last, if that is one line: the masked form, secrets are not in it."""
        if not self._commands or not isinstance(self._commands[-1], StringCommand):
            return "the last step"
        first, more, _ = self._task.clean(str(self._commands[-1]).strip()).partition("\n")
        # A piece of a script tells nobody anything: the operation's name is beside it.
        return "the script" if more or len(first) > _COMMAND else f"`{first}`"

    def _seen(self, text: str) -> str:
        """The end of an output without secrets; more is read, as the cut may go through one."""
        return self._task.clean(text[-2 * _SEEN :])[-_SEEN:]

    def _output(self) -> tuple[str, str]:
        ran = self._prepared.connector.ran
        return "".join(o.stdout for o in ran), "".join(o.stderr for o in ran)

    def _exit_code(self) -> int | None:
        ran = self._prepared.connector.ran
        return ran[-1].exit_code if ran else None

    def _as_retry_data(self) -> dict[str, Any]:
        out, err = self._output()
        return {
            "stdout_lines": out.splitlines(),
            "stderr_lines": err.splitlines(),
            "commands": [str(command) for command in self._commands],
            "executed_commands": len(self._commands),
            "host": self._task.name,
            "operation": self._operation.name,
        }

    def _clean(self, text: str) -> str:
        return "\n".join(map(shortened, self._task.clean(text).split("\n")))

    def _event(self, status: Status) -> Event:
        said = [self._seen(text) for text in self._output()]
        tail = [line for text in said for line in text.splitlines()][-_TAIL:]
        return Event(
            host=self._task.name,
            phase=self._task.phase,
            operation=self._operation.name,
            operation_id=self._operation.id,
            status=status,
            seconds=round(time.monotonic() - self._began, 3),
            exit_code=self._exit_code(),
            output="\n".join(map(shortened, tail)),
            diff=self._task.clean(self._diff),
            time=timestamp(),
            kept=tuple(self._kept),
        )
