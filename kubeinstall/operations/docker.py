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
from kubeinstall.facts.flags import CommandLine, Flags
from kubeinstall.facts.services import Unit
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command
from kubeinstall.operations.docker_settings import Clash, fitted, given_back
from kubeinstall.operations.files import Holds, WriteFile, changed_names
from kubeinstall.operations.three_way import laid_into
from kubeinstall.operations.undo import forgotten

UNIT = "docker.service"
SHARED = ("exec-opts", "insecure-registries", "registry-mirrors")
"""Lists that hold the user's items after ours."""
RELOADED = frozenset({"insecure-registries", "registry-mirrors"})
"""What dockerd takes over without a restart (dockerd(8), "reload")."""

# The file counts as no newer than the process, which has taken it over.
_RELOAD = f"""\
systemctl reload {UNIT} &&
  touch -d "$(systemctl show -p ExecMainStartTimestamp --value {UNIT})" """


# From Docker 23.0 on; an older one reads the file only when it starts.
_CHECK = """\
! dockerd --help 2>/dev/null | grep -qe ' --validate ' ||
  said=$(dockerd --validate --config-file "$tmp" 2>&1) || { printf '%s\\n' "$said" >&2; false; }"""

FILES = ("/etc/default/docker", "/etc/sysconfig/docker")
"""Where distributions' packages of Docker have its flags."""


@operation()
def daemon_configured(
    path: str, record: str, settings: Mapping[str, Any], usual: str
) -> Generator[Command]:
    """Docker's configuration file with these settings, and with the user's beside them.

    A file that was there before us is kept beside it, once. A setting that a flag of dockerd has
    already is left out of the file: dockerd refuses what it finds in both. Where only registries
    and mirrors change, a Docker that runs takes them over, and its containers run on.

    Args:
        path: of the file.
        record: of the file that says which settings are ours.
        settings: ours.
        usual: how dockerd is started by a unit that is not there yet.

    Raises:
        OperationError: dockerd would not start with it.
    """
    state = host.get_fact(Daemon, path=path, record=record)
    line = host.get_fact(Flags, unit=UNIT, files=FILES, usual=usual)
    ours, wanted, clashes = desired(state, settings, line)
    if clashes:
        raise OperationError("; ".join(clash.what(path) for clash in clashes))
    if state.file is None or wanted != state.settings:
        yield from _write(path, state, wanted)
    if state.last != ours:
        names = changed_names(state.last or {}, ours)
        yield WriteFile(record, _text(ours), "644", holds=Holds.SECRETS, changed=names, undo=True)


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
        raise OperationError(f"{path} cannot be read: {state.error}; correct it, or move it away")
    wanted = given_back(
        laid_into(state.settings, {}, state.last, state.first, SHARED), state.settings, state.first
    )
    if state.file and not wanted:
        yield Command(f"rm -f {shlex.quote(path)}")
    elif state.file and wanted != state.settings:
        names = changed_names(state.settings, wanted)
        yield WriteFile(path, _text(wanted), state.file.mode, holds=Holds.SECRETS, changed=names)
    # It goes last: it is what tells that there is something to do.
    yield Command(f"rm -f {shlex.quote(record)}")


def desired(
    state: DaemonState, settings: Mapping[str, Any], line: CommandLine
) -> tuple[Mapping[str, Any], Mapping[str, Any], tuple[Clash, ...]]:
    """Our settings that go into the file, what it should say, and what dockerd refuses in it."""
    fit = fitted(state.settings, settings, line.flags)
    wanted = laid_into(fit.found, fit.ours, state.last or {}, state.first, SHARED)
    return fit.ours, wanted, fit.clashes(wanted)


def _write(path: str, state: DaemonState, wanted: Mapping[str, Any]) -> Generator[Command]:
    old, file = state.file, shlex.quote(path)
    unit = host.get_fact(Unit, unit=UNIT, configs=(path,))
    if old and state.last is None and not old.backed_up:
        yield Command(backups.copied(path))
    mode = old.mode if old else "644"
    text = _text(wanted)
    names = changed_names(state.settings, wanted)
    yield WriteFile(
        path,
        text,
        mode,
        holds=Holds.SECRETS,
        old=old,
        changed=names,
        undo=True,
        check=_CHECK,
    )
    if unit.is_active and not unit.outdated and _changed(state.settings, wanted) <= RELOADED:
        yield Command(f"{_RELOAD}{file} && {forgotten((path,))}")


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    keys = before.keys() | after.keys()
    return {key for key in keys if before.get(key) != after.get(key)}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
