"""What goes into the engine and what comes out of it; no pyinfra here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from kubeinstall.ssh.output import Output as Output

_Inputs = TypeVar("_Inputs")
_Takes = TypeVar("_Takes", contravariant=True)


class Deploy(Protocol[_Takes]):
    """A pyinfra ``@deploy`` function of one argument, ``inputs``."""

    def __call__(self, *, inputs: _Takes) -> object: ...


@dataclass(frozen=True)
class Step(Generic[_Inputs]):
    """A deploy and its inputs."""

    deploy: Deploy[_Inputs]
    inputs: _Inputs


Deploys = Mapping[str, Sequence[Step[Any]]]
"""Host name to what is deployed there, in order."""

OnLine = Callable[[str, str], None]
"""Called with host name and one (redacted) line of a command's output as it comes."""


_LINE = 2000


def shortened(line: str) -> str:
    """A line in a length for people. Secrets are taken out before: half a one is not known."""
    return line if len(line) <= _LINE else f"{line[:_LINE]}…"


def timestamp() -> str:
    """The time of an event: now, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Status(StrEnum):
    """How an operation ended on a host, or what a plan says of it."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    PLANNED = "planned"


@dataclass(frozen=True)
class Kept:
    """An object that an operation left to the user on purpose.

    Args:
        holds: what it holds of the user's, as ``kind/name``, with spaces between.
    """

    kind: str
    name: str
    holds: str


@dataclass(frozen=True)
class Event:
    """One operation on one host; secrets are redacted before it is made.

    Args:
        operation: its title, for people.
        output: the tail of its output, at most some 40 lines.
        diff: a unified diff of the file it writes, if it writes one.
        seconds: how long it took.
        exit_code: of the last command; None where none ran.
        time: when it ended.
        operation_id: its module and function, e.g. ``kubeadm.join``; it stays when titles change.
        kept: what it left to the user on purpose.
    """

    host: str
    phase: str
    operation: str
    status: Status
    seconds: float = 0.0
    exit_code: int | None = None
    output: str = ""
    diff: str = ""
    time: str = ""
    operation_id: str = ""
    kept: tuple[Kept, ...] = ()

    @property
    def changed(self) -> bool:
        return self.status is Status.CHANGED

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON knows it, with ``changed`` beside ``status``."""
        return {**asdict(self), "changed": self.changed}


@dataclass
class HostResult:
    """One host's part of a round."""

    host: str
    events: list[Event] = field(default_factory=list)

    @property
    def changed(self) -> list[Event]:
        """Events that changed something, or would (a plan's)."""
        return [e for e in self.events if e.status in (Status.CHANGED, Status.PLANNED)]

    @property
    def failed(self) -> Event | None:
        return next((e for e in self.events if e.status is Status.FAILED), None)
