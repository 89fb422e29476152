"""Firewalls that are at work on a host: opened as far as wanted, or turned off."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from dataclasses import dataclass

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.firewall import Firewalls
from kubeinstall.operations.commands import Command

_TRUSTED = "trusted "
"""What rules of firewalld's zone trusted begin with."""


@dataclass(frozen=True)
class Opening:
    """A port, or a range of ports, that may be reached.

    Args:
        ports: ``6443`` or ``30000:32767``.
        protocol: ``tcp`` or ``udp``.
        source: from this address only; None: from everywhere.
    """

    ports: str
    protocol: str = "tcp"
    source: str | None = None

    @property
    def ufw(self) -> str:
        """The rule as ufw takes and shows it."""
        if self.source is None:
            return f"allow {self.ports}/{self.protocol}"
        return f"allow from {self.source} to any port {self.ports} proto {self.protocol}"

    @property
    def firewalld(self) -> str:
        """The rule as firewall-cmd takes and shows it, less ``--add-``."""
        ports = self.ports.replace(":", "-")
        if self.source is None:
            return f"port={ports}/{self.protocol}"
        return (
            f'rich-rule=rule family="ipv4" source address="{self.source}" '
            f'port port="{ports}" protocol="{self.protocol}" accept'
        )


def ufw_rules(openings: tuple[Opening, ...], trusted: tuple[str, ...]) -> list[str]:
    """All rules of ufw, in order: pods are also let through to other hosts and from there."""
    rules = [opening.ufw for opening in openings]
    for network in trusted:
        rules += [f"allow from {network}", f"route allow from {network}"]
        rules.append(f"route allow to {network}")
    return rules


def firewalld_rules(openings: tuple[Opening, ...], trusted: tuple[str, ...]) -> list[str]:
    """All rules of firewalld; what its zone trusted has as a source may go anywhere."""
    rules = [opening.firewalld for opening in openings]
    return rules + [f"{_TRUSTED}source={network}" for network in trusted]


@operation()
def firewall_open(openings: tuple[Opening, ...], trusted: tuple[str, ...]) -> Generator[Command]:
    """Let through what is wanted, where a firewall is at work; rules of others are kept.

    Args:
        openings: ports.
        trusted: networks that may reach everything, e.g. that of the pods.
    """
    state = host.get_fact(Firewalls)
    if state.ufw:
        for rule in ufw_rules(openings, trusted):
            if rule not in state.ufw_rules:
                yield Command(f"ufw {rule} comment kubeinstall")
    if state.firewalld:
        wanted = firewalld_rules(openings, trusted)
        yield from _firewalld([rule for rule in wanted if rule not in state.firewalld_rules])


def _firewalld(missing: list[str]) -> Generator[Command]:
    """The commands that add rules, one for each zone: firewall-cmd takes its time."""
    for zone, prefix in (("", ""), ("--zone=trusted ", _TRUSTED)):
        rules = [r for r in missing if r.startswith(_TRUSTED) == bool(prefix)]
        if rules:
            add = zone + " ".join(shlex.quote("--add-" + r.removeprefix(prefix)) for r in rules)
            # First what is at work, then what is kept: what is kept is what is looked at.
            yield Command(f"firewall-cmd -q {add} && firewall-cmd -q --permanent {add}")


@operation()
def firewall_off() -> Generator[Command]:
    """No firewall at work, now and after a boot; neither ufw nor firewalld is removed."""
    state = host.get_fact(Firewalls)
    if state.ufw:
        yield Command("ufw --force disable")
    if state.firewalld:
        yield Command("systemctl disable --now --quiet firewalld")
