"""Which address each node goes by inside the cluster, where only the hosts can tell.

A host that is reached by an address of its own goes by that. One whose address is a floating or
forwarded one is on none of its interfaces: it goes by what the cluster knows it by, or else by
the address that its route to the cluster's endpoint starts from. ``node_ip`` has the last word.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.phases.nodes import Standing
from kubeinstall.phases.own_words import own_words
from kubeinstall.phases.run import Run

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


def settle(run: Run) -> None:
    """Give the hosts of the run's cluster the node addresses they have.

    Raises:
        KubeinstallError: hosts would go by the same address, or one has no route to others.
    """
    asked = [host.name for host in run.cluster.hosts if host.node_ip == host.address]
    alive = [name for name in asked if name in run.session.alive]
    answers = run.session.ask_all(dict.fromkeys(alive, _OWN), timeout=20)
    own = {name: answer.stdout.split() for name, answer in answers.items()}
    away = [host for host in run.cluster.hosts if _is_away(host, own)]
    if not away:
        return
    known = _known(run, asked, alive)
    found = {host.name: known[host.hostname] for host in away if host.hostname in known}
    # Also of those that do not answer now: what the others know of them must not change with that.
    found |= {
        name: known[host.hostname]
        for name in asked
        if name not in own and (host := run.cluster.host(name)).hostname in known
    }
    open_ = [host for host in away if host.name not in found]
    found |= _by_route(run, [host for host in open_ if host == run.cluster.first], found)
    found |= _by_route(run, [host for host in open_ if host != run.cluster.first], found)
    _refuse_same(run.cluster.hosts, found, own)
    run.settle(found)
    for host in away:
        node_ip = found.get(host.name, host.node_ip)
        what = f"{host.address} is on none of its interfaces; its node address is {node_ip}"
        run.reporter.note(what, host.name)


def _known(run: Run, asked: Sequence[str], alive: Sequence[str]) -> Mapping[str, str]:
    """Node to the address that the cluster knows it by, or its own kubelet was given.

    Raises:
        KubeinstallError: neither the cluster nor a host can be asked; a guess would move the node.
    """
    nodes = run.asked()
    if nodes.standing is not Standing.UNKNOWN:
        return nodes.addresses
    if off := [name for name in asked if name not in alive]:
        raise KubeinstallError(
            Finding(
                Kind.PREFLIGHT,
                "the address that its node goes by is not known",
                ", ".join(off),
                f"it is not reached, and the cluster cannot be asked: {nodes.reason}",
                "set its node_ip, or run again when it is back",
            )
        )
    words = own_words(run, alive)
    return {run.cluster.host(n).hostname: own.node_ip for n, own in words.items() if own.node_ip}


def _is_away(host: Host, own: Mapping[str, Sequence[str]]) -> bool:
    """Whether a host that answered has its own address on none of its interfaces."""
    return bool(own.get(host.name)) and host.address not in own[host.name]


def _by_route(run: Run, hosts: Sequence[Host], found: Mapping[str, str]) -> dict[str, str]:
    """Where each host's route to the endpoint starts; the first one's own may be the endpoint."""
    if not hosts:
        return {}
    first = run.cluster.first
    endpoint = run.cluster.spec.endpoint
    target = endpoint.host if endpoint else found.get(first.name, first.node_ip)
    if hosts == [first] and target in (first.node_ip, first.address):
        target = _OUT
    script = f"target={shlex.quote(target)}\n{_ROUTE}"
    answers = run.session.ask_all({host.name: script for host in hosts}, timeout=20)
    sources = {name: answer.stdout.strip() for name, answer in answers.items()}
    lost = [host for host in hosts if host.name in sources and not sources[host.name]]
    if lost:
        raise KubeinstallError(*(_no_route(host, target) for host in lost))
    return {name: source for name, source in sources.items() if source}


def _no_route(host: Host, target: str) -> Finding:
    return Finding(
        Kind.PREFLIGHT,
        f"its address {host.address} is on none of its interfaces, and it has no route to {target}",
        host.name,
        next="set the host's node_ip to the address the other hosts reach it by",
    )


def _refuse_same(
    hosts: Sequence[Host], found: Mapping[str, str], own: Mapping[str, Sequence[str]]
) -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    for host in hosts:
        owners[found.get(host.name, host.node_ip)].append(host.name)
    same = {address: names for address, names in owners.items() if len(names) > 1}
    if not same:
        return
    raise KubeinstallError(
        *(
            Finding(
                Kind.PREFLIGHT,
                f"the same node address {address}",
                ", ".join(names),
                "their own addresses are on none of their interfaces, and the route out starts "
                "there on each: a NAT card, as every VM of VirtualBox has one",
                "set node_ip to each host's address on the network they share; "
                + "; ".join(f"{name} has {_others(own.get(name, ()), address)}" for name in names),
            )
            for address, names in same.items()
        )
    )


def _others(addresses: Sequence[str], but: str) -> str:
    rest = [a for a in addresses if a != but and not a.startswith("127.")]
    return ", ".join(rest) or "no other"
