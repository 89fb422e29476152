"""Who a host says it is."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.values import word


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
        # `|| true`: a host need not have /etc/hostname.
        return "cat /proc/sys/kernel/hostname /etc/hostname 2>/dev/null || true"

    def process(self, output: list[str]) -> Names:
        lines = [line.strip() for line in output if line.strip()]
        return Names(*lines[:2])


@dataclass(frozen=True)
class SystemState:
    """An operating system, as os-release(5) has it.

    Args:
        id: e.g. ``debian``; empty when unknown.
        version: e.g. ``12`` or ``24.04``.
        like: ids of systems that it comes from, nearest first.
        codename: e.g. ``bookworm``.
    """

    id: str = ""
    version: str = ""
    like: tuple[str, ...] = ()
    codename: str = ""


class System(FactBase[SystemState]):
    """The host's operating system."""

    @staticmethod
    def default() -> SystemState:
        return SystemState()

    def command(self) -> str:
        return (
            "(. /etc/os-release && printf '%s\\n' "
            '"$ID" "$VERSION_ID" "$ID_LIKE" "$VERSION_CODENAME") 2>/dev/null || true'
        )

    def process(self, output: list[str]) -> SystemState:
        lines = [line.strip() for line in output]
        if len(lines) < 4:
            return SystemState()
        # Each is a word of a file's name or a URL; os-release(5) has it so.
        id, version, codename = (word(line) if line else "" for line in (*lines[:2], lines[3]))
        return SystemState(id, version, tuple(map(word, lines[2].split())), codename)


class MachineId(FactBase[str]):
    """The host's machine-id; empty without one."""

    @staticmethod
    def default() -> str:
        return ""

    def command(self) -> str:
        return "cat /etc/machine-id 2>/dev/null || true"

    def process(self, output: list[str]) -> str:
        found = "".join(output[:1]).strip()
        return word(found) if found else ""
