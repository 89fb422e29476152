"""Debian packages: what is installed, what could be."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.facts import FactBase


@dataclass(frozen=True)
class PackageState:
    """An installed package: its version, and whether it is held back from upgrades."""

    version: str
    held: bool = False


class Packages(FactBase[dict[str, PackageState]]):
    """Those of ``names`` that are installed whole.

    Args:
        names: package names.
    """

    @staticmethod
    def default() -> dict[str, PackageState]:
        return {}

    def command(self, names: tuple[str, ...]) -> str:
        return self.together([{"names": names}])

    def process(self, output: list[str]) -> dict[str, PackageState]:
        rows = [line.split() for line in output]
        return {
            row[0]: PackageState(row[1], row[2] == "hold")
            for row in rows
            if len(row) == 4 and row[3] == "installed"
        }

    @staticmethod
    def together(asked: Sequence[Mapping[str, Any]]) -> str:
        """The command for several lists of names."""
        form = "${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\\n"
        names = dict.fromkeys(name for one in asked for name in one["names"])
        # `|| true`: dpkg-query fails if it does not know one of the packages.
        return f"dpkg-query -W -f '{form}' {shlex.join(names)} 2>/dev/null || true"

    @staticmethod
    def apart(output: Sequence[str], asked: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        """What ``command`` would have printed for each of them."""
        rows = [(line.partition(" ")[0], line) for line in output]
        return [tuple(line for name, line in rows if name in one["names"]) for one in asked]


class Available(FactBase[dict[str, tuple[str, ...]]]):
    """The versions that the package sources have, newest first, as of their last update.

    Args:
        names: package names.
    """

    costly = True
    """Asked only where what its operation asks before does not make it superfluous."""

    @staticmethod
    def default() -> dict[str, tuple[str, ...]]:
        return {}

    def command(self, names: tuple[str, ...]) -> str:
        return f"apt-cache madison {' '.join(map(shlex.quote, names))} 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for line in output:
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 3 and not cells[2].endswith("Sources"):
                found.setdefault(cells[0], {})[cells[1]] = None
        return {name: tuple(versions) for name, versions in found.items()}


class Interrupted(FactBase[bool]):
    """Whether dpkg was interrupted and has to finish what it began."""

    costly = True
    """Asked only where what its operation asks before does not make it superfluous."""

    @staticmethod
    def default() -> bool:
        return False

    def command(self) -> str:
        return (
            'if [ -n "$(ls /var/lib/dpkg/updates 2>/dev/null)" ] || '
            '[ -n "$(dpkg --audit 2>/dev/null)" ]; then echo yes; fi || true'
        )

    def process(self, output: list[str]) -> bool:
        return "yes" in output
