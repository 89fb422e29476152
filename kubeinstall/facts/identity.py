"""Who a host says it is."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase


@dataclass(frozen=True)
class Names:
    """A host's names: of the running kernel, and of the next boot."""

    live: str = ""
    static: str = ""


class Hostname(FactBase[Names]):
    """The host's name, live and in /etc/hostname."""

    @staticmethod
    def default() -> Names:
        return Names()

    def command(self) -> str:
        return "cat /proc/sys/kernel/hostname; cat /etc/hostname 2>/dev/null || true"

    def process(self, output: list[str]) -> Names:
        lines = [line.strip() for line in output if line.strip()]
        return Names(*lines[:2])
