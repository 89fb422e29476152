"""Docker: our settings in its configuration file, beside the user's own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator, Mapping
from typing import Any

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.docker import Daemon, DaemonState
from kubeinstall.facts.files import BACKUP_SUFFIX
from kubeinstall.facts.services import Unit
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile, changed_names
from kubeinstall.operations.three_way import laid_into

UNIT = "docker.service"
SHARED = ("exec-opts", "insecure-registries", "registry-mirrors")
"""Lists that hold the user's items after ours."""
RELOADED = frozenset({"insecure-registries", "registry-mirrors"})
"""What dockerd takes over without a restart (dockerd(8), "reload")."""

# The file counts as no newer than the process, which has taken it over.
_RELOAD = f"""\
systemctl reload {UNIT} &&
  touch -d "$(systemctl show -p ExecMainStartTimestamp --value {UNIT})" """


@operation()
def daemon_configured(path: str, record: str, settings: Mapping[str, Any]) -> Generator[Command]:
    """Docker's configuration file with these settings, and with the user's beside them.

    A file that was there before us is kept beside it, once. Where only registries and mirrors
    change, a Docker that runs takes them over, and its containers run on.

    Args:
        path: of the file.
        record: of the file that says which settings are ours.
        settings: ours.
    """
    state = host.get_fact(Daemon, path=path, record=record)
    wanted = desired(state, settings)
    if state.file is None or wanted != state.settings:
        yield from _write(path, state, wanted)
    if state.last != settings:
        names = changed_names(state.last or {}, settings)
        yield WriteFile(record, _text(settings), "644", holds=Holds.SECRETS, changed=names)


@operation()
def daemon_forgotten(path: str, record: str) -> Generator[Command]:
    """None of our settings in Docker's configuration file; the user's stay.

    Args:
        path: of the file.
        record: of the file that says which settings are ours.

    Raises:
        OperationError: the file is no JSON, so ours cannot be told from the user's.
    """
    state = host.get_fact(Daemon, path=path, record=record)
    if state.last is None:
        return
    if state.error:
        raise OperationError(f"{path} cannot be read: {state.error}; put it right, or move it away")
    wanted = desired(state, {})
    if state.file and not wanted:
        yield Command(f"rm -f {shlex.quote(path)}")
    elif state.file and wanted != state.settings:
        names = changed_names(state.settings, wanted)
        yield WriteFile(path, _text(wanted), state.file.mode, holds=Holds.SECRETS, changed=names)
    # It goes last: it is what tells that there is something to do.
    yield Command(f"rm -f {shlex.quote(record)}")


def desired(state: DaemonState, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the file shall say."""
    return laid_into(state.settings, settings, state.last or {}, state.first, SHARED)


def _write(path: str, state: DaemonState, wanted: Mapping[str, Any]) -> Generator[Command]:
    old, file = state.file, shlex.quote(path)
    unit = host.get_fact(Unit, unit=UNIT, configs=(path,))
    if old and state.last is None and not old.backed_up:
        yield Command(f"cp -a {file} {shlex.quote(path + BACKUP_SUFFIX)}")
    mode = old.mode if old else "644"
    text = _text(wanted)
    names = changed_names(state.settings, wanted)
    yield WriteFile(path, text, mode, holds=Holds.SECRETS, old=old, changed=names)
    if unit.is_active and not unit.outdated and _changed(state.settings, wanted) <= RELOADED:
        yield Command(f"{_RELOAD}{file}")


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    keys = before.keys() | after.keys()
    return {key for key in keys if before.get(key) != after.get(key)}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
