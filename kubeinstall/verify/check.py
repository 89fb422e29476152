"""What a check is, and how it ended.

A check is a function of a testinfra Host, the inventory's host and the cluster; the first line of
its docstring is its title. It says what it wants with ``expect``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from testinfra.host import Host

from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node

Check = Callable[[Host, Node, Cluster], None]


class Here(str):
    """A next step on the machine that kubeinstall runs on; any other is one on the host."""


def up(options: str = "") -> Here:
    """The next step that lets kubeinstall put it right.

    Args:
        options: of ``kubeinstall up``, e.g. ``--only hosts``.
    """
    return Here(f"kubeinstall up {options}".rstrip())


def step_on(host: str, command: str) -> str:
    """A next step on a host, with the host's name; empty where there is none."""
    return f"on {host}: {command}" if command else ""


class CheckFailed(AssertionError):
    """A check found something else than it wants.

    Args:
        message: what it found.
        then: what the user does next: a command on the host, or ``Here``.
    """

    def __init__(self, message: str, then: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.then = then


def expect(wanted: object, otherwise: str, then: str = "") -> None:
    """Fail the check unless something is true; it does so under ``python -O`` too.

    Raises:
        CheckFailed: it is not.
    """
    if not wanted:
        raise CheckFailed(otherwise, then)


@dataclass(frozen=True)
class Result:
    """How one check ended on one host.

    Args:
        name: module and function, e.g. ``system.swap_is_off``.
        title: what is checked, for people.
        failed: it did not hold.
        message: why not.
        next: what the user does next, and where.
        tried: False: it could not be found out, ``message`` says why; it is neither good nor bad.
    """

    host: str
    name: str
    title: str
    failed: bool = False
    message: str = ""
    next: str = ""
    seconds: float = 0.0
    tried: bool = True

    @property
    def good(self) -> bool:
        """Whether it was tried and held."""
        return self.tried and not self.failed

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
