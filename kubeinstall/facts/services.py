"""systemd units: what state they are in, and whether they run with what is on the disk."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase


@dataclass(frozen=True)
class UnitState:
    """A unit.

    Args:
        load: ``loaded``, ``not-found``, ``masked``, ...
        active: ``active``, ``inactive``, ``failed``, ``activating``, ...
        enabled: ``enabled``, ``disabled``, ``static``, ``masked``, ...; empty when not found.
        stale: a unit file changed since systemd read it.
        started: when its process was started, seconds since 1970; 0 when it was not.
        configured: when the newest of its configuration files was written; 0 without any.
    """

    load: str = "not-found"
    active: str = "inactive"
    enabled: str = ""
    stale: bool = False
    started: float = 0.0
    configured: float = 0.0

    @property
    def is_active(self) -> bool:
        return self.active in ("active", "reloading")

    @property
    def is_enabled(self) -> bool:
        return self.enabled in ("enabled", "static", "indirect", "generated", "alias")

    @property
    def outdated(self) -> bool:
        """Whether it runs with an older configuration than the one on the disk."""
        return self.is_active and (self.stale or 0 < self.started < self.configured)


class Unit(FactBase[UnitState]):
    """The state of a unit.

    Args:
        unit: e.g. ``docker.service``.
        configs: configuration files that it reads when it starts.
    """

    @staticmethod
    def default() -> UnitState:
        return UnitState()

    def command(self, unit: str, configs: tuple[str, ...] = ()) -> str:
        name = shlex.quote(unit)
        show = (
            f"systemctl show {name} -p LoadState -p ActiveState -p UnitFileState"
            " -p NeedDaemonReload -p ExecMainStartTimestamp"
        )
        # systemd before 247 has no --timestamp; whole seconds must do there.
        lines = [f"{show} --timestamp=us 2>/dev/null || {show} 2>/dev/null"]
        if configs:
            files = " ".join(map(shlex.quote, configs))
            lines.append(f"stat -L -c Config=%.Y {files} 2>/dev/null")
        return (
            f"{{ {'; '.join(lines)}; }} | while IFS= read -r line; do case $line in"
            ' ExecMainStartTimestamp=?*) date -d "${line#*=}" +Started=%s.%N ;;'
            ' *) printf "%s\\n" "$line" ;; esac; done || true'
        )

    def process(self, output: list[str]) -> UnitState:
        pairs = [(key, value) for key, _, value in (line.partition("=") for line in output)]
        one = dict(pairs)
        return UnitState(
            load=one.get("LoadState", "not-found"),
            active=one.get("ActiveState", "inactive"),
            enabled=one.get("UnitFileState", ""),
            stale=one.get("NeedDaemonReload") == "yes",
            started=_number(one.get("Started", "")),
            configured=max((_number(v) for key, v in pairs if key == "Config"), default=0.0),
        )


RELOADS = "/run/kubeinstall/reloaded"
"""What the stamps of reloads begin with; the next boot takes them away, and starts all services."""


class Reload(FactBase[float]):
    """When a service was last told to read its configuration again, seconds since 1970.

    Args:
        unit: e.g. ``NetworkManager.service``.
    """

    @staticmethod
    def default() -> float:
        return 0.0

    def command(self, unit: str) -> str:
        return f"stat -c %.Y {shlex.quote(f'{RELOADS}.{unit}')} 2>/dev/null || true"

    def process(self, output: list[str]) -> float:
        return _number("".join(output[:1]))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
