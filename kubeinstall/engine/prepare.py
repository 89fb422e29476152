"""Run a host's deploys through until every fact they ask for is known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.exceptions import DeployError, OperationError
from pyinfra.api.exceptions import FactError as PyinfraFactError

from kubeinstall.engine.batch import FactError
from kubeinstall.engine.bulk import Facts
from kubeinstall.engine.connector import LiveConnector
from kubeinstall.engine.redact import LineRedactor
from kubeinstall.engine.requests import Request
from kubeinstall.engine.state import HostState
from kubeinstall.engine.types import Event, HostResult, Step
from kubeinstall.findings import KubeinstallError
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.streams import LineSink

_PASSES = 12
OF_A_HOST = (
    KubeinstallError,
    FactError,
    DeployError,
    PyinfraFactError,
    OperationError,
    OSError,
)
"""What a deploy or an operation raises where a host is not as it has to be.

Whatever else it raises is a fault of its code, and ends the run.
"""


@dataclass
class Task:
    """What a round does on one host.

    Args:
        result: where events go, beside ``emit``.
        starts: told the name of each operation that is begun.
        on_line: told each line of a streamed command's output.
        clean: takes secrets out of a text.
        hide: told a secret that commands print from now on.
        stream: makes what takes lines that may hold secrets from what is told each without.
        stopped: set when no further operation may start.
        timeout: seconds that one command may take.
    """

    name: str
    phase: str
    connection: Connection
    facts: Facts
    result: HostResult
    emit: Callable[[Event], None]
    starts: Callable[[str], None]
    on_line: LineSink | None
    clean: Callable[[str], str]
    hide: Callable[[str], None]
    stream: Callable[[LineSink], LineRedactor]
    stopped: threading.Event
    timeout: float

    def tell(self, event: Event) -> None:
        """Add an event to the result and tell it."""
        self.result.events.append(event)
        self.emit(event)

    def connector(self, state: Any, host: Any) -> LiveConnector:
        """The connector that this host's operations run their commands with."""
        return LiveConnector(
            state,
            host,
            self.connection,
            self.timeout,
            self.facts.forget,
            self.stream(self.on_line) if self.on_line else None,
        )


def prepare(
    task: Task, steps: Sequence[Step[Any]], likely: Sequence[Request] = (), *, alike: bool = False
) -> HostState:
    """Prepare the operations of these steps.

    Args:
        likely: facts that will be asked for, read along with the first that are.
        alike: whether these are probably all; they are read before all else then.

    Raises:
        FactError, ConnectionLost, CommandTimeout: facts could not be read.
        Exception: what a deploy raises; unless it is one of ``OF_A_HOST``, the deploy is at fault.
    """
    prepared, errors = gather(task, steps, likely, alike=alike)
    if errors:
        raise errors[0]
    return prepared


def gather(
    task: Task, steps: Sequence[Step[Any]], likely: Sequence[Request] = (), *, alike: bool = False
) -> tuple[HostState, list[Exception]]:
    """As ``prepare``, but what is wrong with deploys is returned beside what came of them.

    Raises:
        FactError, ConnectionLost, CommandTimeout: facts could not be read.
    """
    if alike and task.facts.unknown(likely):
        task.facts.read(likely)
    for _ in range(_PASSES):
        prepared, errors = note(task, steps)
        if not task.facts.missing:
            return prepared, errors
        # An error does not count yet: it may be due to a default in the place of a fact.
        task.facts.read([*likely, *task.facts.missing])
    still = ", ".join(str(request) for request in list(task.facts.missing)[:3])
    raise FactError(f"facts are still missing after {_PASSES} passes: {still}")


def note(task: Task, steps: Sequence[Step[Any]]) -> tuple[HostState, list[Exception]]:
    """Run deploys through with what is known; what is not is in ``facts.missing`` afterwards."""
    task.facts.missing.clear()
    task.facts.recording = True
    prepared = HostState(task.name, task.facts, task.connector)
    try:
        return prepared, _run_through(prepared, steps)
    finally:
        task.facts.recording = False


def _run_through(prepared: HostState, steps: Sequence[Step[Any]]) -> list[Exception]:
    errors: list[Exception] = []
    with prepared:
        for step in steps:
            try:
                step.deploy(inputs=step.inputs)
            except Exception as error:
                errors.append(error)
            prepared.deploy_ends(step.deploy)
    return errors
