"""From what the probes found to findings: pure decisions, one small function a rule."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address
from statistics import median
from types import MappingProxyType

from kubeinstall.deploys.kubernetes.control_plane import wanted
from kubeinstall.facts.resolv import USUAL
from kubeinstall.families import SYSTEMS
from kubeinstall.files.proxy import through
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.catalogue.host_needs import numbers
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations.control_plane_decision import left_words, moved, moved_words
from kubeinstall.preflight.clones import same
from kubeinstall.preflight.disks import lacks_room
from kubeinstall.preflight.other_sources import lost
from kubeinstall.preflight.pod_networks import another_file, behind_a_router
from kubeinstall.preflight.probe import Probe, names_to_resolve, peers

_ARCHES = ("x86_64", "aarch64")
_MIN_CPUS, _MIN_MEMORY_MB, _MIN_DISK_MB = 2, 1700, 2048
_MAX_SKEW = 30.0
_PORTS = (6443, 2379, 2380, 10250, 10257, 10259)

_LOOK = {
    **dict.fromkeys(("os", "os_version", "os_like", "os_codename"), "cat /etc/os-release"),
    **dict.fromkeys(("arch", "kernel"), "uname -rm"),
    **dict.fromkeys(("address", "mac"), "ip -4 address; ip link"),
    **dict.fromkeys(("source", "hop"), "ip route"),
    "machine_id": "cat /etc/machine-id",
    "time": "date +%s.%N",
    "port": "ss -ltnp",
}
"""What shows an answer that was refused."""

Probes = Mapping[str, Probe]
Rule = Callable[[Cluster, Host, Probe], Iterable[Finding]]


def judge(
    cluster: Cluster, probes: Probes, advice: Mapping[str, str] = MappingProxyType({})
) -> list[Finding]:
    """Everything that is wrong with the probed hosts, in the inventory's order.

    Args:
        advice: host name to another source that it reaches.
    """
    hosts = [host for host in cluster.hosts if host.name in probes]
    each = [
        finding
        for host in hosts
        for rule in _RULES
        for finding in rule(cluster, host, probes[host.name])
    ]
    return [
        *each,
        *_reached(cluster, hosts, probes, advice),
        *same(cluster, hosts, probes),
        *_nat(hosts, probes),
        *_clocks(probes),
    ]


def _error(host: str, what: str, why: str = "", then: str = "") -> Finding:
    return Finding(Kind.PREFLIGHT, what, host, why, then)


def _warning(host: str, what: str, why: str = "", then: str = "") -> Finding:
    return Finding(Kind.PREFLIGHT, what, host, why, then, "warning")


def _understood(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    for name, said in probe.refused.items():
        yield _error(
            host.name,
            f"reports {said} as its {name.replace('_', ' ')}",
            "a value that does not have the expected form is not used in decisions, files or "
            "scripts",
            f"on {host.name}: {_LOOK.get(name, 'look at what a login prints')}; if the value is "
            "false, the host may be compromised",
        )


def _system(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    known = SYSTEMS.get(probe.os)
    listed = "; ".join(f"{name} {', '.join(v)}" for name, v in SYSTEMS.items())
    if known is None:
        name = probe.os or "an unknown system"
        why = "what its packages and files are called is not known"
        yield _error(host.name, f"{name} is not supported", why, listed)
    # 9 stands for 9.4 as well.
    elif not any(f"{probe.os_version}.".startswith(f"{version}.") for version in known):
        what = f"kubeinstall was not made for {probe.os} {probe.os_version}".rstrip()
        yield _warning(host.name, what, "its packages may be called otherwise", listed)
    if probe.arch not in _ARCHES:
        yield _error(host.name, f"{probe.arch} is not supported", then=", ".join(_ARCHES))


def _size(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    ignored = {name.lower() for name in cluster.spec.kubeadm.ignore_preflight_errors}
    if not host.is_control_plane or "all" in ignored:
        return
    then = "give it more, or name {} in cluster.kubeadm.ignore_preflight_errors"
    if probe.cpus < _MIN_CPUS and "numcpu" not in ignored:
        what = f"{probe.cpus} CPU; a control plane needs {_MIN_CPUS}"
        yield _error(host.name, what, "kubeadm refuses fewer", then.format("NumCPU"))
    if probe.memory_mb < _MIN_MEMORY_MB and "mem" not in ignored:
        what = f"{probe.memory_mb} MB of memory; a control plane needs {_MIN_MEMORY_MB} MB"
        yield _error(host.name, what, "kubeadm refuses less", then.format("Mem"))


def _disk(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    yield from lacks_room(cluster, host, probe.rooms, probe.node)
    if probe.disk_mb is not None and probe.disk_mb < _MIN_DISK_MB:
        what = f"{probe.disk_mb} MB free under /var; at least {_MIN_DISK_MB} MB are needed"
        why = "images and logs go there, and the kubelet evicts pods when it is short"
        yield _error(host.name, what, why, "free some: du -xh -d2 /var | sort -h | tail")


def _names(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    for name in sorted(probe.unresolved & set(names_to_resolve(cluster))):
        yield _error(
            host.name,
            f"cannot resolve {name}, the cluster's endpoint",
            "every kubelet and kubeadm use that name to reach the API server",
            f"on {host.name}: getent ahosts {name}; add it to DNS or to /etc/hosts there, or set "
            "cluster.endpoint.host to an address",
        )


def _node_ip(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    if probe.addresses and IPv4Address(host.node_ip) not in probe.addresses:
        has = ", ".join(str(a) for a in sorted(probe.addresses) if not a.is_loopback)
        yield _error(
            host.name,
            f"its node address {host.node_ip} is on none of its interfaces",
            f"it has {has}",
            "set the host's node_ip to the address the other hosts reach it by",
        )


def _cgroup(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    version = cluster.version
    if probe.cgroup in ("", "cgroup2fs") or (version.major, version.minor) < (1, 35):
        return
    if host.kubelet.config.get("failCgroupV1") is not False:
        yield _error(
            host.name,
            f"cgroup v1, which the kubelet {version} refuses",
            "failCgroupV1 defaults to true from 1.35",
            "boot with systemd.unified_cgroup_hierarchy=1, or set defaults.kubelet.config "
            "{failCgroupV1: false} and name SystemVerification in ignore_preflight_errors",
        )


def _kernel(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    for one in chosen(cluster):
        oldest = one.addon.file.hosts.kernel
        if oldest and probe.kernel and numbers(probe.kernel) < numbers(oldest):
            yield _error(
                host.name,
                f"kernel {probe.kernel} is too old for the addon {one.name}",
                f"it needs {oldest} or later",
                f"upgrade the kernel, or take {one.name} out of cluster.addons",
            )


def _ports(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    wanted = _PORTS if host.is_control_plane else (10250,)
    for port in wanted if not probe.node else ():
        program = probe.ports.get(port)
        if program is not None and not program.startswith("kube"):
            by = f" by {program}" if program else ""
            what = f"port {port} is in use{by}, and the host is no node yet"
            yield _error(host.name, what, "Kubernetes needs it", f"ss -ltnp 'sport = :{port}'")


def _moved(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """The control plane on it goes by another address: etcd would not start with a new one."""
    if host == cluster.first and moved(probe.in_use, probe.members, host.node_ip):
        said = moved_words((*probe.in_use, *probe.members), host.node_ip)
        yield _error(host.name, said.what, said.why, said.next)


def _left(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    if probe.etcd_left and not wanted(cluster, None).takes_files:
        said = left_words(f"-i {cluster.source or 'FILE'} --limit {host.name}")
        yield _error(host.name, said.what, said.why, said.next)


def _programs(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    for path in probe.programs:
        name = path.rpartition("/")[2]
        yield _warning(
            host.name,
            f"{path} comes before the package's own {name} in PATH",
            f"kubeinstall calls /usr/bin/{name}; in a shell, {name} runs the other one",
            f"if it is not needed, on {host.name}: rm {shlex.quote(path)}",
        )


def _synced(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    # A container's clock is its machine's.
    if probe.synced == "no" and probe.container in ("", "none"):
        yield _warning(
            host.name,
            "nothing keeps its clock in sync, and cluster.time.manage is false",
            "timedatectl says NTPSynchronized=no; certificates and etcd need clocks that agree",
            f"on {host.name}: timedatectl; or leave cluster.time.manage at true for chrony",
        )


def _resolver(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    given = "resolvConf" in host.kubelet.config or "resolv-conf" in host.kubelet.extra_args
    if probe.resolver.is_local and probe.resolver.for_pods == USUAL and not given:
        yield _warning(
            host.name,
            f"its /etc/resolv.conf names itself: {', '.join(probe.resolver.servers)}",
            "pods get that file: none of them reaches the host's own name server (dnsmasq?), and "
            "CoreDNS stops, as it would ask itself",
            "set kubelet.config {resolvConf: FILE} to a file with the servers behind it, e.g. "
            "/run/NetworkManager/no-stub-resolv.conf",
        )


_RULES: tuple[Rule, ...] = (
    _understood,
    _system,
    _size,
    _disk,
    _names,
    _node_ip,
    _cgroup,
    _kernel,
    _ports,
    _moved,
    _left,
    _programs,
    _synced,
    _resolver,
    another_file,
    behind_a_router,
)


def _reached(
    cluster: Cluster, hosts: list[Host], probes: Probes, advice: Mapping[str, str]
) -> Iterable[Finding]:
    """What a host that is no node yet cannot get to: a source is an error, a peer a warning."""
    for host in hosts:
        probe = probes[host.name]
        for address, port in lost(cluster, probe):
            answer = probe.reach[f"{address}:{port}"]
            then = f"on {host.name}: bash -c '</dev/tcp/{address}/{port}'"
            if other := advice.get(host.name):
                then = f"{other}, which {host.name} reaches; or see why not: {then}"
            if probe.login_proxy and cluster.spec.proxy is None:
                then = (
                    f"if {host.name} has to go through the proxy that its /etc/environment or "
                    "/etc/profile.d names, set cluster.proxy, because no other proxy is used; "
                    f"or {then}"
                )
            is_proxy = (address, port) in through(cluster)
            role = "the proxy" if is_proxy else "where packages or images come from"
            what = f"does not reach {address}:{port}, {role}"
            yield _error(host.name, what, answer, then)
        for address, port in sorted(peers(host, hosts)):
            answer = probe.reach.get(f"{address}:{port}", "ok")
            if answer not in ("ok", "refused"):
                then = "see that no firewall stands between the hosts"
                yield _warning(host.name, f"does not reach {address}:{port}", answer, then)


def _nat(hosts: list[Host], probes: Probes) -> Iterable[Finding]:
    """Hosts whose default routes start at one and the same address, on a card of their own each."""
    owners: dict[IPv4Address, list[Host]] = defaultdict(list)
    for host in hosts:
        if source := probes[host.name].source:
            owners[source].append(host)
    for source, alike in owners.items():
        if len(alike) < 2 or all(probes[host.name].node for host in alike):
            continue
        yield _warning(
            ", ".join(host.name for host in alike),
            f"their default routes all start at the same address {source}",
            "a NAT card, as Vagrant gives every VM; nodes go by "
            + ", ".join(host.node_ip for host in alike),
            "a pod network of your own has to be told which interface has those addresses",
        )


def _clocks(probes: Probes) -> Iterable[Finding]:
    times = {name: probe.time for name, probe in probes.items() if probe.time}
    if not times:
        return
    middle = median(times.values())
    for name, time in times.items():
        if abs(time - middle) > _MAX_SKEW:
            yield _error(
                name,
                f"its clock is {abs(time - middle):.0f} s {'ahead' if time > middle else 'behind'}",
                "certificates and etcd need clocks that agree within seconds",
                f"on {name}: timedatectl; chronyc tracking",
            )
