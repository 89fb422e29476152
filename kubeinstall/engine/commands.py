"""From a pyinfra command and its global arguments to the shell script that root runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.connectors.util import make_unix_command

_KEPT = ("_env", "_chdir", "_su_user", "_use_su_login", "_su_shell", "_preserve_su_env")
GLOBALS = (*_KEPT, "_sudo_user", "_shell_executable", "_ignore_errors")
"""The global arguments that change what a command does, here where all are root's."""


def script(command: StringCommand | str, arguments: Mapping[str, Any]) -> str:
    """The script, with secrets unmasked.

    ``_sudo`` and its kind need nothing: the connection is root's already. Another user is
    reached with su, which every host has.
    """
    plain = command if isinstance(command, StringCommand) else StringCommand(command)
    kept: dict[str, Any] = {key: arguments[key] for key in _KEPT if arguments.get(key)}
    if arguments.get("_sudo_user"):
        kept["_su_user"] = arguments["_sudo_user"]
        # sudo does not care for the user's own shell, which may be nologin; su does.
        kept.setdefault("_su_shell", "sh")
    shell = arguments.get("_shell_executable")
    if isinstance(shell, str) and shell != "sh":
        kept["_shell_executable"] = shell
    if not kept:
        return plain.get_raw_value()
    return make_unix_command(plain, **kept).get_raw_value()
