"""Names, addresses and ways: what a host resolves, has and reaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address

from kubeinstall.facts.resolv import USUAL
from kubeinstall.files.proxy import through
from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.preflight.other_sources import lost
from kubeinstall.preflight.probe import Probe, names_to_resolve, peers
from kubeinstall.preflight.rule import Probes, error, warning


def names(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """The endpoint's name, where the host cannot resolve it."""
    for name in sorted(probe.unresolved & set(names_to_resolve(cluster))):
        yield error(
            host.name,
            f"cannot resolve {name}, the cluster's endpoint",
            "every kubelet and kubeadm use that name to reach the API server",
            f"on {host.name}: getent ahosts {name}; add it to DNS or to /etc/hosts there, or set "
            "cluster.endpoint.host to an address",
        )


def node_ip(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """A node address that none of its interfaces has."""
    if probe.addresses and IPv4Address(host.node_ip) not in probe.addresses:
        has = ", ".join(str(a) for a in sorted(probe.addresses) if not a.is_loopback)
        yield error(
            host.name,
            f"its node address {host.node_ip} is not on any of its interfaces",
            f"it has {has}",
            "set the host's node_ip to the address the other hosts reach it by",
        )


def resolver(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """A resolv.conf that pods cannot use."""
    given = "resolvConf" in host.kubelet.config or "resolv-conf" in host.kubelet.extra_args
    if probe.resolver.is_local and probe.resolver.for_pods == USUAL and not given:
        yield warning(
            host.name,
            "its /etc/resolv.conf contains a loopback address: "
            f"{', '.join(probe.resolver.servers)}",
            "pods get that file, but cannot reach the host's own name server (dnsmasq?), and "
            "CoreDNS "
            "exits because it would forward queries to itself",
            "set kubelet.config {resolvConf: FILE} to a file with the servers that it forwards "
            "to, e.g. /run/NetworkManager/no-stub-resolv.conf",
        )


def reached(
    cluster: Cluster, hosts: list[Host], probes: Probes, advice: Mapping[str, str]
) -> Iterable[Finding]:
    """What a host that is no node yet cannot get to: a source is an error, a peer a warning."""
    for host in hosts:
        probe = probes[host.name]
        for address, port in lost(cluster, probe):
            answer = probe.reach[f"{address}:{port}"]
            then = f"on {host.name}: bash -c '</dev/tcp/{address}/{port}'"
            if other := advice.get(host.name):
                then = f"{other}, which {host.name} reaches; or find out why: {then}"
            if probe.login_proxy and cluster.spec.proxy is None:
                then = (
                    f"if {host.name} has to use the proxy that its /etc/environment or "
                    "/etc/profile.d names, set cluster.proxy, because no other proxy is used; "
                    f"or {then}"
                )
            is_proxy = (address, port) in through(cluster)
            role = "the proxy" if is_proxy else "where packages or images come from"
            what = f"does not reach {address}:{port}, {role}"
            yield error(host.name, what, answer, then)
        for address, port in sorted(peers(host, hosts)):
            answer = probe.reach.get(f"{address}:{port}", "ok")
            if answer not in ("ok", "refused"):
                then = "check that no firewall blocks traffic between the hosts"
                yield warning(host.name, f"does not reach {address}:{port}", answer, then)


def nat(hosts: list[Host], probes: Probes) -> Iterable[Finding]:
    """Hosts whose default routes have the same source address."""
    owners: dict[IPv4Address, list[Host]] = defaultdict(list)
    for host in hosts:
        if source := probes[host.name].source:
            owners[source].append(host)
    for source, alike in owners.items():
        if len(alike) < 2 or all(probes[host.name].node for host in alike):
            continue
        yield warning(
            ", ".join(host.name for host in alike),
            f"their default routes all have the same source address {source}",
            "a NAT interface, as in every Vagrant VM; nodes use "
            + ", ".join(host.node_ip for host in alike),
            "if you install a pod network yourself, configure it to use the interfaces with those "
            "addresses",
        )
