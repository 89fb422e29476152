"""SELinux: how it works now, and how it will after a boot."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase

CONFIG = "/etc/selinux/config"


@dataclass(frozen=True)
class SelinuxState:
    """SELinux on a host.

    Args:
        live: ``enforcing``, ``permissive``, or empty where the kernel runs without it.
        configured: ``enforcing``, ``permissive``, ``disabled``, or empty without a configuration.
    """

    live: str = ""
    configured: str = ""


class Selinux(FactBase[SelinuxState]):
    """The kernel's mode and that of /etc/selinux/config: selinux(8)."""

    @staticmethod
    def default() -> SelinuxState:
        return SelinuxState()

    def command(self) -> str:
        return (
            "f=/sys/fs/selinux/enforce; if [ -e $f ]; then sed 's/^/live /' $f; echo; fi; "
            rf"[ ! -e {CONFIG} ] || "
            rf"sed -n 's/^[[:space:]]*SELINUX=\([a-z]*\).*/configured \1/p' {CONFIG}; true"
        )

    def process(self, output: list[str]) -> SelinuxState:
        found = dict(line.split() for line in output if len(line.split()) == 2)
        modes = {"1": "enforcing", "0": "permissive"}
        return SelinuxState(modes.get(found.get("live", ""), ""), found.get("configured", ""))
