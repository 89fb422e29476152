"""Which address each node goes by inside the cluster, where only the hosts can tell.

A host that is reached by an address of its own goes by that. One whose address is a floating or
forwarded one is not on any of its interfaces: it goes by what the cluster knows it by, or else by
the address that its route to the cluster's endpoint starts from. ``node_ip`` has the last word.

Such an address goes into files and scripts of all other hosts, and it is the host's own word, or
its kubelet's. So it is taken only if it is one, and nobody else's.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from kubeinstall.cluster.kubelets_on_disk import own_words
from kubeinstall.cluster.nodes import Nodes, Standing
from kubeinstall.facts.values import ipv4, shown
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.checks.hosts import unusable
from kubeinstall.inventory.model import Cluster, Host

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session

_OWN = "ip -o -4 addr show 2>/dev/null | awk '{ split($4, p, \"/\"); print p[1] }'"
_OUT = "192.0.2.1"
"""An address that is nobody's (RFC 5737): the route to it is the default route."""
# A host that holds a virtual endpoint itself is not to go by that.
_ROUTE = rf"""
source() {{ ip -4 route get "$1" 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p'; }}
to=$(getent ahostsv4 "$target" | awk '{{ print $1; exit }}')
from=$(source "${{to:-{_OUT}}}")
[ "$from" = "$to" ] && from=$(source {_OUT})
echo "$from"
"""


Own = Mapping[str, Sequence[IPv4Address]]
"""By host name, the addresses that a host has by its own word."""


@dataclass(frozen=True)
class NodeAddresses:
    """The node addresses that were found.

    Args:
        node_ips: by host name; the other hosts' stay as they are.
        away: hosts whose own address is on none of their interfaces.
    """

    node_ips: Mapping[str, IPv4Address] = field(default_factory=dict)
    away: tuple[str, ...] = ()


def node_addresses(session: Session, asked: Callable[[], Nodes]) -> NodeAddresses:
    """The node addresses of the session's hosts.

    Args:
        asked: what the cluster says of its nodes; called only where that matters.

    Raises:
        KubeinstallError: what a host or its node says is no address, or cannot be its own; hosts
            would go by the same one, or one has no route to others.
    """
    cluster = session.cluster
    unsaid = [host.name for host in cluster.hosts if host.node_ip == host.address]
    alive = [name for name in unsaid if name in session.alive]
    answers = session.ask_all(dict.fromkeys(alive, _OWN), timeout=20)
    own = _addresses({name: answer.stdout.split() for name, answer in answers.items()})
    away = [host for host in cluster.hosts if _is_away(host, own)]
    if not away:
        return NodeAddresses()
    # Also those that do not answer now: what the others know of them must not change with that.
    silent = [cluster.host(name) for name in unsaid if name not in own]
    found = _known(session, asked(), [*away, *silent], own)
    open_ = [host for host in away if host.name not in found]
    found |= _by_route(session, [host for host in open_ if host == cluster.first], found, own)
    found |= _by_route(session, [host for host in open_ if host != cluster.first], found, own)
    _refuse_same(cluster.hosts, found, own)
    return NodeAddresses(found, tuple(host.name for host in away))


def _addresses(said: Mapping[str, Sequence[str]]) -> dict[str, tuple[IPv4Address, ...]]:
    """What each host says, as addresses.

    Raises:
        KubeinstallError: a host said something else.
    """
    found: dict[str, tuple[IPv4Address, ...]] = {}
    wrong = []
    for name, words in said.items():
        try:
            found[name] = tuple(map(ipv4, words))
        except ValueError:
            said_ = shown(" ".join(words))
            wrong.append(_refused(name, f"reports {said_} instead of its own address"))
    if wrong:
        raise KubeinstallError(*wrong)
    return found


def _known(
    session: Session, nodes: Nodes, hosts: Sequence[Host], own: Own
) -> dict[str, IPv4Address]:
    """By host name, the address that the cluster knows its node by, or its kubelet was given.

    Raises:
        KubeinstallError: neither the cluster nor a host can be asked: a guess would move the node;
            or a node reports what cannot be its own.
    """
    cluster = session.cluster
    known = nodes.addresses
    if nodes.standing is Standing.UNKNOWN:
        if off := [host.name for host in hosts if host.name not in own]:
            raise KubeinstallError(_not_known(off, nodes.reason))
        words = own_words(session, own)
        known = {cluster.host(n).hostname: o.node_ip for n, o in words.items() if o.node_ip}
    found = {host.name: known[host.hostname] for host in hosts if host.hostname in known}
    wrong = [
        _refused(host.name, f"its node reports an invalid address: {fault}")
        for host in hosts
        if (fault := nodes.fault(host.hostname))
    ]
    wrong += [
        _refused(name, f"its node reports the address {address}, {why}")
        for name, address in found.items()
        if (why := foreign(cluster, cluster.host(name), address, own))
    ]
    if wrong:
        raise KubeinstallError(*wrong)
    return found


def _not_known(off: Sequence[str], reason: str) -> Finding:
    return Finding(
        Kind.PREFLIGHT,
        "the address of its node is unknown",
        tuple(off),
        f"the host cannot be reached, and the cluster does not answer: {reason}",
        "set its node_ip, or run the same command again when the host is back",
    )


def foreign(cluster: Cluster, host: Host, address: IPv4Address, own: Own) -> str:
    """Why an address cannot be a host's own, whoever says so; empty: it can.

    Args:
        address: what the host, or its node in the cluster, says.
    """
    if why := claimed(cluster, address, host):
        return why
    for other in cluster.hosts:
        has = other.name != host.name and address in own.get(other.name, ())
        if has and not _is_away(other, own):
            return f"which {other.name} has"
    return ""


def claimed(cluster: Cluster, address: IPv4Address, by: Host | None = None) -> str:
    """Why an address cannot be a node's, by the inventory alone; empty: it can.

    Args:
        by: the node's host; None: the inventory has none for it.
    """
    if kind := unusable(address):
        return kind
    networks = cluster.spec.network
    for word, network in (("pod", networks.pods), ("service", networks.services)):
        if address in network:
            return f"an address of the {word} network {network}"
    endpoint = cluster.spec.endpoint
    if endpoint and endpoint.host == str(address) and not (by and by.is_control_plane):
        return "the cluster's endpoint"
    for other in cluster.hosts:
        if other != by and str(address) in (other.address, other.node_ip):
            return f"which is {other.name}'s in the inventory"
    return ""


def _refused(host: str, what: str) -> Finding:
    return Finding(
        Kind.PREFLIGHT,
        what,
        (host,),
        "the other hosts would use it in their files and scripts",
        f"inspect {host}, which may be compromised; or set its node_ip to its own address, or "
        "remove it from the inventory",
    )


def _is_away(host: Host, own: Own) -> bool:
    """Whether a host that answered has its own address on none of its interfaces."""
    return bool(own.get(host.name)) and IPv4Address(host.address) not in own[host.name]


def _by_route(
    session: Session,
    hosts: Sequence[Host],
    found: Mapping[str, IPv4Address],
    own: Own,
) -> dict[str, IPv4Address]:
    """Where each host's route to the endpoint starts; the first one's own may be the endpoint."""
    if not hosts:
        return {}
    cluster = session.cluster
    first, endpoint = cluster.first, cluster.spec.endpoint
    target = endpoint.host if endpoint else str(found.get(first.name, first.node_ip))
    if hosts == [first] and target in (first.node_ip, first.address):
        target = _OUT
    script = f"target={shlex.quote(target)}\n{_ROUTE}"
    answers = session.ask_all({host.name: script for host in hosts}, timeout=20)
    said = _addresses({name: answer.stdout.split() for name, answer in answers.items()})
    wrong = [_no_route(host, target) for host in hosts if said.get(host.name) == ()]
    wrong += _not_their_own(cluster, said, own)
    if wrong:
        raise KubeinstallError(*wrong)
    return {name: sources[0] for name, sources in said.items()}


def _not_their_own(
    cluster: Cluster,
    said: Mapping[str, Sequence[IPv4Address]],
    own: Own,
) -> Iterator[Finding]:
    """Hosts that name one address too many, or one that is not theirs."""
    for name, sources in said.items():
        if len(sources) > 1:
            yield _refused(name, f"its route to the endpoint has {len(sources)} source addresses")
        for address in sources[:1]:
            why = foreign(cluster, cluster.host(name), address, own)
            if not why and address not in own[name]:
                why = "which is not on any of its interfaces"
            if why:
                yield _refused(
                    name, f"its route to the endpoint has the source address {address}, {why}"
                )


def _no_route(host: Host, target: str) -> Finding:
    return Finding(
        Kind.PREFLIGHT,
        f"its address {host.address} is not on any of its interfaces, and it has no route to "
        f"{target}",
        (host.name,),
        next="set the host's node_ip to the address the other hosts reach it by",
    )


def _refuse_same(
    hosts: Sequence[Host],
    found: Mapping[str, IPv4Address],
    own: Own,
) -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    for host in hosts:
        owners[str(found.get(host.name, host.node_ip))].append(host.name)
    same = {address: names for address, names in owners.items() if len(names) > 1}
    if not same:
        return
    raise KubeinstallError(
        *(
            Finding(
                Kind.PREFLIGHT,
                f"the same node address {address}",
                tuple(names),
                "their addresses are not on any of their interfaces, and their default routes "
                "have this source address: a NAT interface, as in every VirtualBox VM",
                "set node_ip to each host's address on the network they share; "
                + "; ".join(f"{name} has {_others(own.get(name, ()), address)}" for name in names),
            )
            for address, names in same.items()
        )
    )


def _others(addresses: Sequence[IPv4Address], but: str) -> str:
    rest = [str(a) for a in addresses if str(a) != but and not a.is_loopback]
    return ", ".join(rest) or "no other"
