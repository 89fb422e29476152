"""testinfra over a live connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testinfra.backend import base

from kubeinstall.engine.types import Output


class LiveBackend(base.BaseBackend):  # type: ignore[misc]
    """Runs testinfra's commands where the engine is connected already.

    Args:
        ask: runs a command on the host, as root.
    """

    NAME = "kubeinstall"

    def __init__(self, name: str, ask: Callable[[str], Output]) -> None:
        super().__init__(name)
        self._ask = ask

    def run(self, command: str, *args: str, **_: Any) -> base.CommandResult:
        """Run a command; see testinfra's BaseBackend."""
        text = self.get_command(command, *args)
        answer = self._ask(text)
        return self.result(
            answer.exit_code, self.encode(text), answer.stdout.encode(), answer.stderr.encode()
        )
