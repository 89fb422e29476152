"""The lab's network: a bridge of its own, and a way out through this machine."""

from __future__ import annotations

import shlex
from ipaddress import IPv4Network, ip_address
from pathlib import Path

from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabPlan
from kubeinstall.lab.system import run, succeeds

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
# systemd-resolved listens on a loopback address and keeps the real servers here.
_RESOLV_CONF = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def up(lab: LabPlan) -> None:
    """Make bridge and rules where they are missing.

    Raises:
        LabError: another interface of this machine is in the lab's subnet.
    """
    if not succeeds("ip", "link", "show", lab.bridge):
        _refuse_overlap(lab)
        run("ip", "link", "add", lab.bridge, "type", "bridge")
        run("ip", "address", "add", f"{lab.gateway}/{lab.subnet.prefixlen}", "dev", lab.bridge)
        run("ip", "link", "set", lab.bridge, "up")
    if _FORWARDING.read_text().strip() == "0":
        _was_off(lab).touch()
        _FORWARDING.write_text("1\n")
    _write_rules(lab)


def down(lab: LabPlan) -> None:
    """Take back the bridge and just the rules that carry the lab's mark."""
    for table, rules in _marked(lab).items():
        for rule in rules:
            run("iptables", "-w", "-t", table, "-D", *rule)
    if succeeds("ip", "link", "show", lab.bridge):
        run("ip", "link", "delete", lab.bridge)
    others = [path for path in lab.folder.parent.glob("*/") if path != lab.folder]
    if _was_off(lab).exists() and not others:
        _FORWARDING.write_text("0\n")
        _was_off(lab).unlink()


def resolv_conf(candidates: tuple[Path, ...] = _RESOLV_CONF) -> str:
    """This machine's name servers, in a form that its hosts can reach.

    Raises:
        LabError: they listen on the machine's loopback only.
    """
    for path in candidates:
        text = path.read_text() if path.is_file() else ""
        if any(not ip_address(at.partition("%")[0]).is_loopback for at in servers(text)):
            return text
    raise LabError(
        "this machine's name servers cannot be reached from the lab's hosts",
        why=f"{' and '.join(map(str, candidates))} contain only loopback addresses",
        next="add the address of a name server on the network to /etc/resolv.conf",
    )


def servers(resolv_conf: str) -> list[str]:
    """The addresses of the name servers in a text of resolv.conf's form."""
    lines = (line.split() for line in resolv_conf.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _was_off(lab: LabPlan) -> Path:
    """Says that no lab was there yet when this machine did not forward packets."""
    return lab.folder.parent / ".forwarding-was-off"


def _write_rules(lab: LabPlan) -> None:
    """Have the lab's rules at the top of their chains; those of an earlier form go."""
    marked = _marked(lab)
    for table, wanted in rules(lab).items():
        if marked[table] == list(wanted):
            continue
        for rule in marked[table]:
            run("iptables", "-w", "-t", table, "-D", *rule)
        for rule in reversed(wanted):
            run("iptables", "-w", "-t", table, "-I", *rule)


def _marked(lab: LabPlan) -> dict[str, list[tuple[str, ...]]]:
    """The rules with the lab's mark, by table and in their order, as iptables-save tells them."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for table in ("nat", "filter"):
        lines = [shlex.split(line) for line in run("iptables-save", "-t", table).splitlines()]
        found[table] = [tuple(w[1:]) for w in lines if w[:1] == ["-A"] and lab.mark in w]
    return found


def rules(lab: LabPlan) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The lab's rules by table, in the order in which they count.

    Traffic out is masqueraded, and its answers come back. Nothing else is let in: the hosts are
    for this machine alone, though it forwards packets.
    """
    subnet = str(lab.subnet)
    mark = ("-m", "comment", "--comment", lab.mark)
    answers = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
    into = ("FORWARD", "-o", lab.bridge)
    return {
        "nat": (("POSTROUTING", "-s", subnet, "!", "-d", subnet, *mark, "-j", "MASQUERADE"),),
        # A machine that drops what it forwards (one with Docker does) lets the lab's through.
        "filter": (
            ("FORWARD", "-i", lab.bridge, *mark, "-j", "ACCEPT"),
            (*into, *answers, *mark, "-j", "ACCEPT"),
            (*into, *mark, "-j", "DROP"),
        ),
    }


def _refuse_overlap(lab: LabPlan) -> None:
    for line in run("ip", "-o", "-4", "route", "show").splitlines():
        target = line.split()[0]
        if target[0].isdigit() and IPv4Network(target).overlaps(lab.subnet):
            raise LabError(
                f"the lab's subnet {lab.subnet} is in use on this machine",
                why=f"there is a route {line.strip()}",
                next="run `kubeinstall lab down` for the lab that uses it, or set lab.subnet to "
                "another network",
            )
