"""pyinfra's connector interface over a connection of ours."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from kubeinstall.engine.commands import script
from kubeinstall.engine.redact import LineRedactor
from kubeinstall.engine.types import Output
from kubeinstall.ssh.agent import TAKE, Lock, Wrap
from kubeinstall.ssh.channel import Upload
from kubeinstall.ssh.connection import Connection


class LiveConnector(BaseConnector):
    """Runs an operation's commands over a live connection, always as root.

    Args:
        timeout: seconds that one command may take.
        changes: called before each command, for it may change the host.
        on_line: told each line of a streamed command's output.
    """

    def __init__(
        self,
        state: Any,
        host: Any,
        connection: Connection,
        timeout: float,
        changes: Callable[[], None],
        on_line: LineRedactor | None,
    ) -> None:
        self.state = state
        self.host = host
        self._connection = connection
        self._timeout = timeout
        self._changes = changes
        self._on_line = on_line
        self.ran: list[Output] = []

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
        output = self._run(
            script(command, arguments),
            stdin=_stdin(arguments.get("_stdin")),
            timeout=float(arguments.get("_timeout") or self._timeout),
            on_line=self._on_line if getattr(command, "stream", False) else None,
        )
        good = arguments.get("_success_exit_codes") or [0]
        return output.exit_code in good, lines(output)

    def put_file(
        self,
        filename_or_io: Any,
        remote_filename: str,
        remote_temp_filename: str | None = None,  # noqa: ARG002
        print_output: bool = False,  # noqa: ARG002
        print_input: bool = False,  # noqa: ARG002
        **arguments: Any,  # noqa: ARG002
    ) -> bool:
        """Write a file in one step: it is there whole, or as it was.

        It keeps the mode and owner of the file that was there; a new one is root's alone until
        the operation sets its mode.
        """
        path = PurePosixPath(remote_filename)
        target = shlex.quote(remote_filename)
        pattern = shlex.quote(str(path.parent / f".{path.name}.XXXXXX"))
        # In the target's folder: it can only be moved in one step within a file system.
        write = (
            f'part=$(mktemp {pattern}) && {TAKE} >"$part" ||'
            ' { rm -f "$part"; exit 1; }\n'
            f'if [ -f {target} ]; then chmod --reference={target} "$part" && '
            f'chown --reference={target} "$part"; fi && mv -fT "$part" {target} ||'
            ' { rm -f "$part"; exit 1; }'
        )
        return self._run(write, stdin=_content(filename_or_io), spool=False).ok

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
        output = self._run(f"cat {shlex.quote(remote_filename)}")
        if output.ok:
            if isinstance(filename_or_io, str):
                Path(filename_or_io).write_text(output.stdout)
            else:
                filename_or_io.write(output.stdout.encode())
        return output.ok

    def _run(
        self,
        text: str,
        *,
        stdin: str | bytes | Upload | None = None,
        timeout: float | None = None,
        on_line: LineRedactor | None = None,
        spool: bool = True,
    ) -> Output:
        self._changes()
        wrap = Wrap(timeout or self._timeout, Lock.CHANGE, spool=spool)
        try:
            output = self._connection.run(text, wrap, stdin=stdin, on_line=on_line)
        finally:
            if on_line:
                on_line.close()
        self.ran.append(output)
        return output


def lines(output: Output) -> CommandOutput:
    """An output as pyinfra has it."""
    return CommandOutput(
        [
            *(OutputLine("stdout", line) for line in output.stdout.splitlines()),
            *(OutputLine("stderr", line) for line in output.stderr.splitlines()),
        ]
    )


def _stdin(given: Any) -> str | bytes | None:
    """As pyinfra sends it: text ends with a newline, a list is lines."""
    if given is None or isinstance(given, bytes):
        return given
    if hasattr(given, "readlines"):
        given = given.readlines()
    parts = list(given) if isinstance(given, list | tuple) else [str(given)]
    return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _content(source: Any) -> bytes | Upload:
    if isinstance(source, str):
        return Upload.of(source)
    source.seek(0)
    data = source.read()
    return data.encode() if isinstance(data, str) else bytes(data)
