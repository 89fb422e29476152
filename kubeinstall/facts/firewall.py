"""Firewalls that are at work, and what they let through."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase


@dataclass(frozen=True)
class FirewallState:
    """The firewalls of a host.

    Args:
        ufw: it is at work.
        ufw_rules: what was added, as ``ufw show added`` prints it, less ``ufw`` and comments.
        firewalld: it is at work.
        firewalld_rules: of the default zone, as options of firewall-cmd less ``--add-``, e.g.
            ``port=6443/tcp``; those of the zone trusted begin with ``trusted ``.
    """

    ufw: bool = False
    ufw_rules: frozenset[str] = frozenset()
    firewalld: bool = False
    firewalld_rules: frozenset[str] = frozenset()


class Firewalls(FactBase[FirewallState]):
    """Whether ufw or firewalld is at work, and their rules."""

    @staticmethod
    def default() -> FirewallState:
        return FirewallState()

    def command(self) -> str:
        return r"""
export LC_ALL=C
if grep -qsi '^ENABLED=yes' /etc/ufw/ufw.conf && command -v ufw >/dev/null; then
  echo ufw; ufw show added 2>/dev/null | sed -n 's/^ufw /ufw /p'
fi
if systemctl is-active --quiet firewalld 2>/dev/null; then
  echo firewalld
  for port in $(firewall-cmd --permanent --list-ports); do echo "firewalld port=$port"; done
  firewall-cmd --permanent --list-rich-rules | sed 's/^/firewalld rich-rule=/'
  for source in $(firewall-cmd --permanent --zone=trusted --list-sources); do
    echo "firewalld trusted source=$source"
  done
fi 2>/dev/null
true"""

    def process(self, output: list[str]) -> FirewallState:
        pairs = [line.partition(" ") for line in output]
        return FirewallState(
            ufw="ufw" in output,
            ufw_rules=frozenset(_bare(rule) for key, _, rule in pairs if key == "ufw" and rule),
            firewalld="firewalld" in output,
            firewalld_rules=frozenset(
                rule for key, _, rule in pairs if key == "firewalld" and rule
            ),
        )


def _bare(rule: str) -> str:
    return rule.partition(" comment ")[0].strip()
