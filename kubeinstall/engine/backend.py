"""testinfra over a live connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from testinfra.backend import base

from kubeinstall.engine.types import Output

_FRESH = 1.0
"""Seconds that an answer counts. The checks of a host ask for the same one after another."""


class LiveBackend(base.BaseBackend):  # type: ignore[misc]
    """Runs testinfra's commands where the engine is connected already.

    Args:
        ask: runs a command on the host, as root.
    """

    NAME = "kubeinstall"

    def __init__(self, name: str, ask: Callable[[str], Output]) -> None:
        super().__init__(name)
        self._ask = ask
        self._answers: dict[str, tuple[float, Output]] = {}

    def run(self, command: str, *args: str, **_: Any) -> base.CommandResult:
        """Run a command; see testinfra's BaseBackend."""
        text = self.get_command(command, *args)
        answer = self._answer(text)
        return self.result(
            answer.exit_code, self.encode(text), answer.stdout.encode(), answer.stderr.encode()
        )

    def _answer(self, text: str) -> Output:
        asked, answer = self._answers.get(text, (0.0, None))
        if answer is None or time.monotonic() - asked > _FRESH:
            answer = self._ask(text)
            self._answers[text] = time.monotonic(), answer
        return answer
