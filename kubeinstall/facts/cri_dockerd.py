"""cri-dockerd: which file it was installed from, and whether it is still as it was."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase


@dataclass(frozen=True)
class ProgramState:
    """An installed program.

    Args:
        machine: the host's architecture as the kernel names it, e.g. ``x86_64``.
        source: SHA-256 of the file that it was installed from; empty where that is not known.
        intact: the program is byte for byte what was installed.
    """

    machine: str = ""
    source: str = ""
    intact: bool = False


class CriDockerd(FactBase[ProgramState]):
    """The state of cri-dockerd.

    Args:
        program: path of the program.
        record: path of the file with two checksums: of what it was installed from, and its own.
    """

    @staticmethod
    def default() -> ProgramState:
        return ProgramState()

    def command(self, program: str, record: str) -> str:
        at, file = shlex.quote(program), shlex.quote(record)
        return f"uname -m; cat {file} 2>/dev/null || echo - -; sha256sum < {at} 2>/dev/null || true"

    def process(self, output: list[str]) -> ProgramState:
        rows = [line.split() for line in output if line.split()]
        machine = rows[0][0] if rows else ""
        if len(rows) < 3 or len(rows[1]) != 2:
            return ProgramState(machine)
        source, own = rows[1]
        return ProgramState(machine, source, own == rows[2][0])
