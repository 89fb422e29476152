"""pyinfra's connector interface over a connection of ours."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from kubeinstall.engine.connection import Connection, Wrap
from kubeinstall.engine.types import Output


class LiveConnector(BaseConnector):
    """Runs an operation's commands over a live connection, always as root."""

    def __init__(self, state: Any, host: Any, connection: Connection, timeout: float) -> None:
        self.state = state
        self.host = host
        self._connection = connection
        self._timeout = timeout
        self.on_line: Callable[[str], None] | None = None
        self.last: Output | None = None

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Not used: hosts come from the inventory."""
        yield name, {}, []

    def run_shell_command(
        self,
        command: StringCommand,
        print_output: bool = False,  # noqa: ARG002
        print_input: bool = False,  # noqa: ARG002
        **arguments: Any,
    ) -> tuple[bool, CommandOutput]:
        """Run a command; see pyinfra's BaseConnector."""
        script = _script(command.get_raw_value(), arguments)
        timeout = float(arguments.get("_timeout") or self._timeout)
        self.last = self._connection.run(
            script,
            Wrap(timeout),
            stdin=_stdin(arguments.get("_stdin")),
            on_line=self.on_line if getattr(command, "stream", False) else None,
        )
        good = arguments.get("_success_exit_codes") or [0]
        return self.last.exit_code in good, _lines(self.last)

    def put_file(
        self,
        filename_or_io: Any,
        remote_filename: str,
        remote_temp_filename: str | None = None,
        print_output: bool = False,  # noqa: ARG002
        print_input: bool = False,  # noqa: ARG002
        **arguments: Any,  # noqa: ARG002
    ) -> bool:
        """Write a file in one step: it is there whole, or as it was."""
        data = _content(filename_or_io)
        target = shlex.quote(remote_filename)
        temporary = shlex.quote(remote_temp_filename or f"{remote_filename}.kubeinstall-part")
        script = f"umask 077; cat >{temporary} && mv -f {temporary} {target}"
        self.last = self._connection.run(script, Wrap(self._timeout), stdin=data)
        return self.last.ok

    def get_file(
        self,
        remote_filename: str,
        filename_or_io: Any,
        remote_temp_filename: str | None = None,  # noqa: ARG002
        print_output: bool = False,  # noqa: ARG002
        print_input: bool = False,  # noqa: ARG002
        **arguments: Any,  # noqa: ARG002
    ) -> bool:
        """Read a text file."""
        script = f"cat {shlex.quote(remote_filename)}"
        self.last = self._connection.run(script, Wrap(self._timeout))
        if self.last.ok:
            if isinstance(filename_or_io, str):
                Path(filename_or_io).write_text(self.last.stdout)
            else:
                filename_or_io.write(self.last.stdout.encode())
        return self.last.ok


def _script(command: str, arguments: dict[str, Any]) -> str:
    before = [
        f"export {key}={shlex.quote(str(v))}" for key, v in (arguments.get("_env") or {}).items()
    ]
    if arguments.get("_chdir"):
        before.append(f"cd {shlex.quote(arguments['_chdir'])}")
    return " && ".join([*before, command])


def _stdin(given: Any) -> str | bytes | None:
    if given is None or isinstance(given, str | bytes):
        return given
    if hasattr(given, "read"):
        return _content(given)
    return "".join(f"{line}\n" for line in given)


def _content(source: Any) -> bytes:
    if isinstance(source, str):
        return Path(source).read_bytes()
    source.seek(0)
    data = source.read()
    return data.encode() if isinstance(data, str) else bytes(data)


def _lines(output: Output) -> CommandOutput:
    return CommandOutput(
        [
            *(OutputLine("stdout", line) for line in output.stdout.splitlines()),
            *(OutputLine("stderr", line) for line in output.stderr.splitlines()),
        ]
    )
