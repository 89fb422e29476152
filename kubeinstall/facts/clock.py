"""The clock: whether it is in step with its sources."""

from __future__ import annotations

from pyinfra.api.facts import FactBase


class InSync(FactBase[bool]):
    """Whether chrony says that the clock follows a source."""

    @staticmethod
    def default() -> bool:
        return False

    def command(self) -> str:
        return "chronyc -n -c tracking 2>/dev/null || true"

    def process(self, output: list[str]) -> bool:
        fields = "".join(output[:1]).split(",")
        # Reference, its name, stratum, ..., leap status: chronyc(1), tracking.
        return len(fields) >= 14 and fields[0] not in ("", "00000000") and fields[-1] == "Normal"
