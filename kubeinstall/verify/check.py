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


class CheckFailed(AssertionError):
    """A check found something else than it wants.

    Args:
        message: what it found.
        then: what the user does next, a command where there is one.
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
        next: what the user does next.
    """

    host: str
    name: str
    title: str
    failed: bool = False
    message: str = ""
    next: str = ""
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
