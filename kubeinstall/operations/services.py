"""systemd services: running with the configuration that is on the disk, now and after a boot."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists
from kubeinstall.facts.services import RELOADS, Reload, Unit
from kubeinstall.operations.commands import Command
from kubeinstall.operations.undo import functions
from kubeinstall.resources import script


@operation()
def running(
    unit: str, configs: tuple[str, ...] = (), records: tuple[str, ...] = ()
) -> Generator[Command]:
    """A service that is enabled and runs with its newest configuration.

    It is restarted where a configuration file is newer than its process, whoever wrote it: a run
    that was killed between the two is made up for. Where it does not start with files that were
    written with ``undo``, the old ones come back and it is started with those; that is a failure
    all the same.

    Args:
        unit: e.g. ``docker.service``.
        configs: files that it reads only when it starts.
        records: files that say what is in those; they come back together.
    """
    state = host.get_fact(Unit, unit=unit, configs=configs)
    name = shlex.quote(unit)
    if state.load == "masked":
        yield Command(f"systemctl unmask {name}")
    if not state.is_enabled:
        yield Command(f"systemctl enable --quiet {name}")
    if not state.is_active or state.outdated:
        verb = "restart" if state.is_active else "start"
        # Whether systemd has read the unit or not: it does not notice one in /etc that takes the
        # place of a package's. In one command: afterwards nothing tells that the unit was changed.
        yield Command(
            f"{functions((*configs, *records))}\nsystemctl reset-failed {name} 2>/dev/null; "
            f"systemctl daemon-reload && systemctl {verb} {name} && {{ forget; exit 0; }}\n"
            f"failed=$?\n{script('services/start_failed', unit=unit)}"
        )


@operation()
def current(unit: str, configs: tuple[str, ...]) -> Generator[Command]:
    """A service that, if it runs, runs with its newest configuration; it is not started.

    Args:
        unit: e.g. ``kubelet.service``.
        configs: files that it reads only when it starts.
    """
    state = host.get_fact(Unit, unit=unit, configs=configs)
    if state.outdated:
        name = shlex.quote(unit)
        yield Command(f"systemctl daemon-reload && {_or_why('restart', name)}")


@operation()
def enabled(unit: str) -> Generator[Command]:
    """A service that starts at boot; it is not started now.

    Args:
        unit: e.g. ``kubelet.service``.
    """
    if not host.get_fact(Unit, unit=unit, configs=()).is_enabled:
        yield Command(f"systemctl enable --quiet {shlex.quote(unit)}")


@operation()
def reloaded(unit: str, configs: tuple[str, ...], command: str) -> Generator[Command]:
    """A service that has read its newest configuration, if it runs at all; it is not restarted.

    Args:
        unit: e.g. ``NetworkManager.service``.
        configs: files that it reads when it starts or is reloaded.
        command: the shell command that reloads it.
    """
    state = host.get_fact(Unit, unit=unit, configs=configs)
    read = max(state.started, host.get_fact(Reload, unit=unit))
    if state.is_active and read < state.configured:
        stamp = shlex.quote(f"{RELOADS}.{unit}")
        # As of when it began: what is written meanwhile is read the next time.
        began = f"mkdir -p {RELOADS.rpartition('/')[0]} && touch {stamp}.new"
        yield Command(f"{began} && {command} && mv {stamp}.new {stamp}")


@operation()
def forgotten(path: str, command: str) -> Generator[Command]:
    """No configuration file at this path, and its service works without it.

    Args:
        path: the file.
        command: the shell command that lets the service read its configuration again.
    """
    if host.get_fact(Exists, path=path):
        yield Command(f"rm -f {shlex.quote(path)} && {command}")


def _or_why(verb: str, name: str) -> str:
    """systemctl, and the unit's last words when it fails."""
    return f"systemctl {verb} {name} || {{ code=$?; {_words(name)} >&2; exit $code; }}"


def _words(name: str) -> str:
    """What the unit's own program said last; what systemd said of it where that is nothing."""
    read = "journalctl --no-pager -q -o cat -n 15"
    return f"{{ {read} _SYSTEMD_UNIT={name} | grep . || {read} -u {name}; }}"
