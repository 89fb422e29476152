"""The live region under the lines: a spinner, and what each host is doing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from kubeinstall.report.door import line

_ROWS = 12
"""Rows shown at once, in a terminal of 24 lines."""


class Progress:
    """A live region that comes and goes with the phases."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._live: Live | None = None
        self._title = ""
        self._began = 0.0
        self._waiting = ""
        self.busy: Callable[[], dict[str, str]] = dict

    def start(self, title: str) -> None:
        self.stop()
        self._title, self._began, self._waiting = title, time.monotonic(), ""
        self._spinner = Spinner("dots")
        self._live = Live(self, console=self._out, transient=True, refresh_per_second=8)
        self._live.start()

    def stop(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def wait(self, text: str) -> None:
        """What is waited for now."""
        self._waiting = text

    def __rich_console__(self, _out: Console, _options: ConsoleOptions) -> RenderResult:
        seconds = time.monotonic() - self._began
        self._spinner.update(text=line(f"{self._title}  {seconds:.0f} s"))
        yield self._spinner
        if self._waiting:
            yield line(f"  waiting: {self._waiting}", no_wrap=True, overflow="ellipsis")
        table = Table.grid(padding=(0, 2))
        rows = at_work(self.busy())
        for hosts, operation in rows[:_ROWS]:
            table.add_row("", line(hosts), line(operation, no_wrap=True, overflow="ellipsis"))
        yield table
        if len(rows) > _ROWS:
            yield line(f"  and {len(rows) - _ROWS} other operations")


def at_work(busy: Mapping[str, str]) -> list[tuple[str, str]]:
    """Rows of hosts and what they are doing: a host's own, or the number of many, most first.

    Args:
        busy: host to operation.
    """
    if len(busy) <= _ROWS:
        return list(busy.items())
    return [
        (f"{count} host{'' if count == 1 else 's'}", operation)
        for operation, count in Counter(busy.values()).most_common()
    ]
