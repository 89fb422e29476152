"""systemd units: what state they are in, and whether they run with what is on the disk."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyinfra.api.facts import FactBase

from kubeinstall.resources import script


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
        return self.together([{"unit": unit, "configs": configs}])

    def process(self, output: list[str]) -> UnitState:
        pairs = [(key, value) for key, _, value in (line.partition("=") for line in output)]
        one = dict(pairs)
        return UnitState(
            load=one.get("LoadState", "not-found"),
            active=one.get("ActiveState", "inactive"),
            enabled=one.get("UnitFileState", ""),
            stale=one.get("NeedDaemonReload") == "yes",
            started=_time(one.get("ExecMainStartTimestamp", "")),
            configured=max(
                (_number(v.partition(" ")[0]) for key, v in pairs if key == "Config"), default=0.0
            ),
        )

    @staticmethod
    def together(asked: Sequence[Mapping[str, Any]]) -> str:
        """The command for several units."""
        names = shlex.join(one["unit"] for one in asked)
        show = (
            f"TZ=UTC systemctl show {names} -p LoadState -p ActiveState -p UnitFileState"
            " -p NeedDaemonReload -p ExecMainStartTimestamp"
        )
        # systemd before 247 has no --timestamp; whole seconds must do there.
        shown = f"{show} --timestamp=us 2>/dev/null || {show} 2>/dev/null"
        configs = dict.fromkeys(path for one in asked for path in one.get("configs", ()))
        stat = f"stat -L -c 'Config=%.Y %n' {shlex.join(configs)} 2>/dev/null" if configs else ""
        # `|| true`: stat fails if one of the files is missing.
        return f"{shown}; {stat or 'true'} || true"

    @staticmethod
    def apart(output: Sequence[str], asked: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        """What ``command`` would have printed for each of them.

        Raises:
            ValueError: it is not about as many units.
        """
        configs = {line.partition(" ")[2]: line for line in output if line.startswith("Config=")}
        lines = [line for line in output if not line.startswith("Config=")]
        shown = "\n".join(lines).split("\n\n")
        if len(shown) != len(asked):
            raise ValueError("it is not about as many units as were asked for")
        return [
            (*unit.split("\n"), *(configs[p] for p in one.get("configs", ()) if p in configs))
            for unit, one in zip(shown, asked, strict=True)
        ]


def present(names: Iterable[str]) -> str:
    """Shell that sets ``units`` to those of some units that systemd has a file of."""
    return script("services/present", wanted=" ".join(names))


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


_TIME = re.compile(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) UTC", re.ASCII)


def _time(text: str) -> float:
    """A time as systemd prints it where its zone is UTC; 0 for none."""
    found = _TIME.fullmatch(text)
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp() if found else 0.0
    except ValueError:
        return 0.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
