"""The clock: whether it is in step with its sources, and who keeps it."""

from __future__ import annotations

from pyinfra.api.facts import FactBase

from kubeinstall.facts.services import present

OTHERS = ("systemd-timesyncd", "ntp", "ntpd", "ntpsec", "openntpd")
"""Services that set the clock as chrony does, by the names distributions have for them."""


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


class OtherTimeServices(FactBase[tuple[str, ...]]):
    """Units of other time services than chrony that run, or would at the next boot."""

    @staticmethod
    def default() -> tuple[str, ...]:
        return ()

    def command(self) -> str:
        # `|| true`: it fails without systemd, where no such service runs.
        show = "systemctl show $units -p Id -p ActiveState -p UnitFileState 2>/dev/null"
        return f'{present(f"{name}.service" for name in OTHERS)}\n[ -z "$units" ] || {show} || true'

    def process(self, output: list[str]) -> tuple[str, ...]:
        units = [
            dict(line.partition("=")[::2] for line in unit.splitlines())
            for unit in "\n".join(output).split("\n\n")
        ]
        found = [
            unit.get("Id", "")
            for unit in units
            if unit.get("ActiveState") in ("active", "activating", "reloading")
            or unit.get("UnitFileState") == "enabled"
        ]
        # Some names are aliases of others, and one unit is shown for each of them.
        return tuple(dict.fromkeys(name for name in found if name))
