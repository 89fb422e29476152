"""Firewalls that are at work, and what is ours in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.services import present
from kubeinstall.resources import script

OFF = "/var/lib/kubeinstall/firewall-off"
"""What we turned off, a name a line; nftables' tables are beside it, in ``firewall-off.nft``."""

_SERVICES = tuple(
    f"{name}.service" for name in ("firewalld", "nftables", "netfilter-persistent", "iptables")
)
_RULE = re.compile(r"[A-Za-z0-9 ./:,_-]+")
_HEX = b"kubeinstall".hex()
"""ufw's files have comments in hex."""


@dataclass(frozen=True)
class FirewallState:
    """The firewalls of a host.

    Args:
        ufw: it is at work.
        ufw_rules: what was added, as ``ufw show added`` prints it, less ``ufw`` and comments.
        ufw_ours: those of them that have our comment.
        firewalld: it is at work.
        nftables: its service loads a ruleset, now or at the next boot.
        iptables: a service loads saved rules.
        off: what we turned off: ``ufw``, ``firewalld``, ``nftables``.
    """

    ufw: bool = False
    ufw_rules: frozenset[str] = frozenset()
    ufw_ours: frozenset[str] = frozenset()
    firewalld: bool = False
    nftables: bool = False
    iptables: bool = False
    off: frozenset[str] = frozenset()

    @property
    def ruleset(self) -> bool:
        """A plain ruleset is loaded, and nobody keeps it."""
        return self.nftables or self.iptables


class Firewalls(FactBase[FirewallState]):
    """Which firewalls are at work, and ufw's rules."""

    @staticmethod
    def default() -> FirewallState:
        return FirewallState()

    def command(self) -> str:
        return "\n".join([present(_SERVICES), script("firewall/at_work", mark=_HEX, off=OFF)])

    def process(self, output: list[str]) -> FirewallState:
        pairs = [line.partition(" ") for line in output]
        # What ufw shows otherwise, e.g. with the name of an application, is none of ours.
        rules = [rule for key, _, rule in pairs if key == "ufw" and _RULE.fullmatch(_bare(rule))]
        off = frozenset(name for key, _, name in pairs if key == "off")
        units = _units([value for key, _, value in pairs if key == "unit"])
        return FirewallState(
            ufw="at-work" in output,
            ufw_rules=frozenset(map(_bare, rules)),
            ufw_ours=frozenset(_bare(rule) for rule in rules if rule.endswith("'kubeinstall'")),
            firewalld=units.get("firewalld.service", ("", ""))[0] == "active",
            # Turned off it stays active until the next boot: stopping it would flush all rules.
            nftables=_loads(units, "nftables", off),
            iptables=_loads(units, "netfilter-persistent", off) or _loads(units, "iptables", off),
            off=off,
        )


class InPlace(FactBase[bool]):
    """Whether the openings that a script of ours makes are in place.

    Args:
        script: its path; it knows the argument ``check``.
    """

    @staticmethod
    def default() -> bool:
        return False

    def command(self, script: str) -> str:
        return f"{shlex.quote(script)} check >/dev/null 2>&1 && echo yes || true"

    def process(self, output: list[str]) -> bool:
        return "yes" in output


def _units(lines: list[str]) -> dict[str, tuple[str, str]]:
    """Active state and unit file state by unit, of ``systemctl show``'s lines."""
    shown = "\n".join(line.strip() for line in lines).split("\n\n")
    units = [dict(line.partition("=")[::2] for line in one.splitlines()) for one in shown]
    return {
        unit.get("Id", ""): (unit.get("ActiveState", ""), unit.get("UnitFileState", ""))
        for unit in units
    }


def _loads(units: dict[str, tuple[str, str]], name: str, off: frozenset[str]) -> bool:
    active, enabled = units.get(f"{name}.service", ("", ""))
    return enabled == "enabled" or (active == "active" and name not in off)


def _bare(rule: str) -> str:
    return rule.partition(" comment ")[0].strip()
