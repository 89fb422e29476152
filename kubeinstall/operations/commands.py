"""The commands that operations yield: pyinfra's, with what a front end wants to know of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyinfra.api.command import StringCommand


class Command(StringCommand):
    """A shell command with hints for whoever runs and shows it.

    Args:
        bits: parts of the command line, joined with spaces; ``QuoteString`` quotes one.
        diff: a unified diff of what it does to a file.
        stream: show its output while it runs.
        stdin: text for its standard input; not part of any log.
        secrets: what must be taken out of whatever it prints.
        kept: finds in what it printed the objects that it left to the user: mappings with ``kind``,
            ``name`` and ``holds`` (what they hold).
        arguments: pyinfra's connector arguments, e.g. ``_timeout`` in seconds.
    """

    def __init__(
        self,
        *bits: Any,
        diff: str = "",
        stream: bool = False,
        stdin: str | None = None,
        secrets: Iterable[str] = (),
        kept: Callable[[str], Iterable[Mapping[str, str]]] | None = None,
        **arguments: Any,
    ) -> None:
        if stdin is not None:
            arguments["_stdin"] = stdin
        super().__init__(*bits, **arguments)
        self.diff = diff
        self.stream = stream
        self.stdin = stdin
        self.secrets = tuple(secrets)
        self.kept = kept


def operation_id(operation: Any) -> str:
    """What an event calls an operation: its module and function, e.g. ``kubeadm.join``."""
    return f"{operation.__module__.rpartition('.')[2]}.{operation.__name__}"
