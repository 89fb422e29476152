"""Checks of verify, over a host that answers what a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testinfra.backend.base import BaseBackend
from testinfra.host import Host

from kubeinstall.verify.check import Check
from kubeinstall.verify.run import check_host
from tests.unit.clusters import cluster

Answers = Callable[[str], tuple[int, str]]


class Backend(BaseBackend):  # type: ignore[misc]
    """Answers commands with a function of the command."""

    NAME = "scripted"

    def __init__(self, answers: Answers) -> None:
        super().__init__("w1")
        self._answers = answers

    def run(self, command: str, *args: str, **_: Any) -> Any:
        text = self.get_command(command, *args)
        code, out = self._answers(text)
        return self.result(code, text.encode(), out.encode(), b"")


def ended(check: Check, answers: Answers, **spec: Any) -> str:
    """Why the check failed; empty if it held."""
    made = cluster(**spec)
    backend = Backend(answers)
    host = Host(backend)
    backend.set_host(host)
    (result,) = check_host(host, made.workers[0], made, [check])
    return result.message


def always(out: str, code: int = 0) -> Answers:
    return lambda _command: (code, out)
