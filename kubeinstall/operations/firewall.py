"""Firewalls that are at work on a host: opened as far as wanted, or turned off."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from dataclasses import dataclass

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists
from kubeinstall.facts.firewall import OFF, Firewalls, InPlace
from kubeinstall.facts.services import Unit
from kubeinstall.operations.commands import Command
from kubeinstall.resources import script

# Not those of iptables, which are spoken to through iptables, nor those of programs that keep
# their own and would lose what another puts there.
CHAINS = r"""# Family, table, name and hook of the chains that filter what comes in and passes.
chains() {
  nft list chains | awk '
    $1 == "table" { family = $2; table = $3 }
    $1 == "chain" { chain = $2 }
    $1 == "type" && $2 == "filter" && $4 ~ /^(input|forward)$/ && family ~ /^(inet|ip)$/ &&
      table !~ /^(firewalld|kube-proxy|docker-bridges|libvirt_network|netavark|f2b-table)$/ &&
      !(family == "ip" && chain ~ /^(INPUT|FORWARD)$/) { print family, table, chain, $4 }'
}"""
"""A shell function: the base chains of the user's own nftables ruleset."""


@dataclass(frozen=True)
class Opening:
    """A port, or a range of ports, that may be reached; or a protocol that has none.

    Args:
        ports: ``6443`` or ``30000:32767``; empty: the protocol has none.
        protocol: ``tcp``, ``udp`` or a number of /etc/protocols, e.g. ``4`` for IP in IP.
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
        if not self.ports:
            # ufw knows few protocols by themselves, and IP in IP is none of them.
            return f"allow from {self.source}"
        return f"allow from {self.source} to any port {self.ports} proto {self.protocol}"


def ufw_rules(openings: tuple[Opening, ...], trusted: tuple[str, ...]) -> list[str]:
    """All rules of ufw, in order: pods are also let through to other hosts and from there."""
    rules = [opening.ufw for opening in openings]
    for network in trusted:
        rules += [f"allow from {network}", f"route allow from {network}"]
        rules.append(f"route allow to {network}")
    return rules


@operation()
def ufw_open(openings: tuple[Opening, ...], trusted: tuple[str, ...]) -> Generator[Command]:
    """ufw with just these rules of ours; those that others added are kept.

    Args:
        openings: ports.
        trusted: networks that may reach everything, e.g. that of the pods.
    """
    state = host.get_fact(Firewalls)
    wanted = ufw_rules(openings, trusted)
    for rule in wanted:
        if rule not in state.ufw_rules:
            yield Command(f"ufw {shlex.join(rule.split())} comment kubeinstall")
    for rule in sorted(state.ufw_ours.difference(wanted)):
        yield Command(_ufw_delete(rule))


@operation()
def chains_open(unit: str, script: str, files: tuple[str, ...]) -> Generator[Command]:
    """The unit that opens chains is enabled, has run with what its files say, and they are open.

    Args:
        unit: the systemd unit.
        script: what it runs.
        files: the unit's and the script's path.
    """
    state = host.get_fact(Unit, unit=unit, configs=files)
    ran = state.is_active and not state.outdated
    if not (ran and state.is_enabled and host.get_fact(InPlace, script=script)):
        yield Command(f"systemctl daemon-reload && systemctl enable -q {unit} 2>/dev/null")
        yield Command(f"systemctl restart {unit}")


@operation()
def firewall_off() -> Generator[Command]:
    """No firewall at work, now and after a boot; none is removed, and a reset turns it on again.

    Of nftables, the tables that filter go and are kept in a file: stopping its service would flush
    what Docker and kube-proxy have as well.
    """
    state = host.get_fact(Firewalls)
    if state.ufw:
        yield Command(f"{_remember('ufw')} && ufw --force disable")
    if state.firewalld:
        yield Command(f"{_remember('firewalld')} && systemctl disable --now --quiet firewalld")
    if state.nftables:
        yield Command(f"{_remember('nftables')}\n{_NFTABLES_OFF}")
    if state.iptables:
        yield Command(
            "echo 'rules of iptables that a service loads are not turned off here:"
            " set cluster.firewall to open or keep' >&2; exit 1"
        )


@operation()
def firewall_gone(
    script: str, unit_file: str, firewalld_files: tuple[str, ...]
) -> Generator[Command]:
    """None of our rules in any firewall, at work or not.

    Args:
        script: what opens chains; it knows the argument ``stop``.
        unit_file: the path of the unit that runs it.
        firewalld_files: our zone and policies.
    """
    state = host.get_fact(Firewalls)
    for rule in sorted(state.ufw_ours):
        yield Command(_ufw_delete(rule))
    if any(host.get_fact(Exists, path=path) for path in firewalld_files):
        files = " ".join(map(shlex.quote, firewalld_files))
        yield Command(f"rm -f {files}")
        if state.firewalld:
            yield Command("firewall-cmd -q --reload")
    if host.get_fact(Exists, path=unit_file) or host.get_fact(Exists, path=script):
        unit, program = shlex.quote(unit_file), shlex.quote(script)
        yield Command(
            f"systemctl disable -q --now {unit_file.rpartition('/')[2]} 2>/dev/null;"
            f" [ ! -x {program} ] || {program} stop"
        )
        yield Command(f"rm -f {unit} {program} && systemctl daemon-reload")


@operation()
def firewall_back() -> Generator[Command]:
    """What we turned off is on again."""
    off = host.get_fact(Firewalls).off
    if "ufw" in off:
        yield Command("ufw --force enable")
    if "firewalld" in off:
        yield Command("systemctl enable --now --quiet firewalld")
    if "nftables" in off:
        yield Command(f"systemctl enable --quiet nftables && nft -f {OFF}.nft")
    if off:
        yield Command(f"rm -f {OFF} {OFF}.nft")


_NFTABLES_OFF = "\n".join([CHAINS, script("firewall/nftables_off", off=OFF)])


def _remember(name: str) -> str:
    folder = OFF.rpartition("/")[0]
    return f"mkdir -p {folder} && {{ grep -qsx {name} {OFF} || echo {name} >> {OFF}; }}"


def _ufw_delete(rule: str) -> str:
    route = "route " if rule.startswith("route ") else ""
    return f"ufw {route}delete {shlex.join(rule.removeprefix('route ').split())}"
