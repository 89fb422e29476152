"""What preflight wants to know of a host, asked in one script."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from kubeinstall import resources
from kubeinstall.facts import values
from kubeinstall.facts.control_plane import TRACES, in_use
from kubeinstall.facts.identity import SystemState
from kubeinstall.facts.resolv import ResolverState
from kubeinstall.files.proxy import ways
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.preflight.disks import Room, folders, rooms_of

_T = TypeVar("_T")

NODE = "/etc/kubernetes/kubelet.conf"
"""There on a host that is a node of a cluster."""
_SYNCED = """\
say synced "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)"
say container "$(systemd-detect-virt --container 2>/dev/null)"
"""


@dataclass(frozen=True)
class Probe:
    """A host as it is before anything is changed.

    Args:
        kernel: its release, e.g. ``6.1.0-40-amd64``.
        container: the kind of container the host is, empty or ``none`` if it is none; asked only
            with ``synced``.
        time: its clock, seconds since 1970.
        cgroup: the file system at /sys/fs/cgroup; ``cgroup2fs`` for v2.
        source: the address that its default route starts from.
        resolver: which name servers it asks.
        mac: of the interface that has its node address.
        synced: ``yes`` or ``no``: whether the kernel calls its clock kept; asked only where
            kubeinstall does not keep it, and the host is no node yet.
        disk_mb: free space under /var.
        rooms: the file systems that the kubelet calls ``nodefs`` and ``imagefs``.
        unresolved: names that it was asked to resolve, and could not.
        node: it has a kubelet's credentials, or a control plane's pods, already.
        hops: another host's address to the router on the way; asked only where the pod network
            bears none, and the host is no node yet.
        cni: the names of its CNI configuration files.
        ports: TCP ports that are listened on, and by which program; asked only where the host is
            no node yet.
        reach: ``address:port`` to ``ok``, ``refused`` or why not.
        proxy: apt or dnf goes through a proxy.
        login_proxy: logins are given one, which commands of ours do not have.
        refused: what of its answer has not the form it should have, by name, as it may be shown.
        in_use: addresses that the control plane on it goes by.
        members: addresses that etcd's data has; only where etcd's manifest lacks.
        etcd_left: there is something in etcd's folder, but no control plane.
        programs: Kubernetes' programs that come before the packages' own in PATH.
    """

    os: str = ""
    os_version: str = ""
    os_like: tuple[str, ...] = ()
    os_codename: str = ""
    arch: str = ""
    kernel: str = ""
    cpus: int = 0
    memory_mb: int = 0
    machine_id: str = ""
    product_uuid: str = ""
    container: str = ""
    time: float = 0.0
    synced: str = ""
    cgroup: str = ""
    disk_mb: int | None = None
    rooms: dict[str, Room] = field(default_factory=dict)
    unresolved: frozenset[str] = frozenset()
    node: bool = False
    cni: frozenset[str] = frozenset()
    hops: dict[str, str] = field(default_factory=dict)
    addresses: frozenset[IPv4Address] = frozenset()
    source: IPv4Address | None = None
    resolver: ResolverState = field(default_factory=ResolverState)
    mac: str = ""
    ports: dict[int, str] = field(default_factory=dict)
    reach: dict[str, str] = field(default_factory=dict)
    proxy: bool = False
    login_proxy: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    in_use: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    etcd_left: bool = False
    programs: tuple[str, ...] = ()

    @property
    def system(self) -> SystemState:
        """Its operating system."""
        return SystemState(self.os, self.os_version, self.os_like, self.os_codename)

    @classmethod
    def parse(cls, text: str) -> Probe:
        """Read the script's answer; lines it does not know are passed over."""
        said = _Said(text)
        kilobytes = said.one("memory_kb", values.number, 0)
        addresses, members = in_use(said.each("in_use", values.line))
        probe = cls(
            os=said.one("os", values.word, ""),
            os_version=said.one("os_version", values.word, ""),
            os_like=said.one("os_like", _words, ()),
            os_codename=said.one("os_codename", values.word, ""),
            arch=said.one("arch", values.word, ""),
            kernel=said.one("kernel", values.word, ""),
            cpus=said.one("cpus", values.number, 0),
            memory_mb=kilobytes // 1024,
            machine_id=said.one("machine_id", values.word, ""),
            product_uuid=said.one("product_uuid", values.line, "").lower(),
            container=said.one("container", values.word, ""),
            time=said.one("time", values.seconds, 0.0),
            synced=said.one("synced", values.word, ""),
            cgroup=said.one("cgroup", values.word, ""),
            disk_mb=said.one("disk_mb", values.number, None),
            rooms=rooms_of(said.each("room", values.line)),
            unresolved=frozenset(
                name for name, code in said.each("resolve", _resolved) if code != 0
            ),
            node=said.one("node", values.word, "") == "yes",
            hops=dict(said.each("hop", _hop)),
            cni=frozenset(said.each("cni", values.line)),
            addresses=frozenset(said.each("address", values.ipv4)),
            source=said.one("source", values.ipv4, None),
            # A resolver passes over what is no address, and so do we.
            resolver=ResolverState(
                tuple(map(str, said.good("nameserver", values.ip))),
                said.one("resolved", values.word, "") == "yes",
            ),
            mac=said.one("mac", values.mac, ""),
            ports=dict(said.each("port", _port)),
            reach=dict(said.each("reach", _reached)),
            proxy=said.one("proxy", values.word, "") == "yes",
            login_proxy=said.one("login_proxy", values.word, "") == "yes",
            in_use=addresses,
            members=members,
            etcd_left=said.one("etcd_left", values.word, "") == "yes",
            programs=tuple(said.each("program", values.line)),
        )
        return replace(probe, refused=said.refused)


class _Said:
    """What a host said, line by line as ``NAME<tab>VALUE``; each value is read as one type."""

    def __init__(self, text: str) -> None:
        self._found: dict[str, list[str]] = {}
        self.refused: dict[str, str] = {}
        for line in text.split("\n"):
            key, tab, value = line.partition("\t")
            if tab:
                self._found.setdefault(key, []).append(value.strip())

    def one(self, name: str, read: Callable[[str], _T], default: _T) -> _T:
        """The value; the default where it is empty, or has not the form it should have."""
        said = [value for value in self._found.get(name, ()) if value]
        if len(set(said)) > 1:
            self.refused.setdefault(name, values.shown(" / ".join(said)))
        return next(iter(self.each(name, read)), default)

    def each(self, name: str, read: Callable[[str], _T]) -> list[_T]:
        """All values of that name that have the form they should have."""
        found = []
        for value in self._found.get(name, ()):
            try:
                found += [read(value)] if value else []
            except ValueError:
                self.refused.setdefault(name, values.shown(value))
        return found

    def good(self, name: str, read: Callable[[str], _T]) -> list[_T]:
        """The same; others are passed over."""
        quiet = _Said("")
        quiet._found = self._found
        return quiet.each(name, read)


def _words(text: str) -> tuple[str, ...]:
    return tuple(map(values.word, text.split()))


def _hop(text: str) -> tuple[str, str]:
    to, _, via = text.partition(" ")
    return str(values.ipv4(to)), str(values.ipv4(via))


def _resolved(text: str) -> tuple[str, int]:
    name, _, code = text.partition(" ")
    return values.line(name), values.number(code)


def _port(text: str) -> tuple[int, str]:
    port, _, program = text.partition(" ")
    # Whoever may listen on the host may call his program what he likes.
    return values.port(port), program if program.isprintable() and len(program) < 64 else "?"


def _reached(text: str) -> tuple[str, str]:
    target, _, answer = text.partition(" ")
    return values.line(target), values.line(answer)


def script(cluster: Cluster, host: Host, present: Iterable[Host]) -> str:
    """The probe of one host: read-only, and quick.

    Args:
        present: hosts that are connected; only those are tried from here.
    """
    targets = [*sorted(peers(host, present)), *sources(cluster)]
    rooms = folders(cluster)
    clock = [] if cluster.spec.time.manage else [_SYNCED]
    names = [f"resolve {shlex.quote(name)}" for name in names_to_resolve(cluster)]
    return "\n".join(
        [
            resources.script("preflight/functions"),
            resources.script(
                "preflight/host",
                node_ip=host.node_ip,
                nodefs=rooms["nodefs"],
                imagefs=rooms["imagefs"],
            ),
            *names,
            f"if [ ! -e {NODE} ]; then",
            resources.script("preflight/fresh"),
            *(_hops(cluster, host) if cluster.spec.network.is_routed else []),
            *clock,
            *_tries(targets),
            "fi",
            *([control_plane()] if host.is_control_plane else []),
            "exit 0",
        ]
    )


def _hops(cluster: Cluster, host: Host) -> list[str]:
    others = [shlex.quote(to.node_ip) for to in cluster.hosts if to.name != host.name]
    return [f"hops {' '.join(others)}"] if others else []


def control_plane() -> str:
    """What a control plane is asked besides; it needs the functions."""
    question = resources.script("preflight/control_plane", traces=" ".join(TRACES))
    return "\n".join([resources.script("control_plane/addresses"), question])


def names_to_resolve(cluster: Cluster) -> list[str]:
    """Names that every host has to resolve, node or not: the endpoint's, unless we write it.

    The names of sources are resolved where those are tried.
    """
    endpoint = cluster.spec.endpoint
    if endpoint is None or _is_address(endpoint.host):
        return []
    ours = {host.hostname for host in cluster.hosts} if cluster.spec.manage_etc_hosts else set()
    return [endpoint.host] if endpoint.host not in ours else []


def reach_script(targets: Iterable[tuple[str, int]]) -> str:
    """A script that only tries whether hosts and ports can be reached."""
    return "\n".join([resources.script("preflight/functions"), *_tries(targets), "exit 0"])


def _tries(targets: Iterable[tuple[str, int]]) -> list[str]:
    """All at once."""
    return [*(f"  reach {shlex.quote(address)} {port} &" for address, port in targets), "  wait"]


def peers(host: Host, present: Iterable[Host]) -> set[tuple[str, int]]:
    """Where a host must get to: a worker to the control planes, those to everyone."""
    return {
        (other.node_ip, other.ssh.port)
        for other in present
        if other.name != host.name and (host.is_control_plane or other.is_control_plane)
    }


def package_url(cluster: Cluster) -> str:
    """Where packages come from; empty: from this machine."""
    archive = cluster.spec.packages.archive
    return (archive.url or "") if archive else cluster.origin.base


def sources(cluster: Cluster) -> list[tuple[str, int]]:
    """Host and port of the package source and of the image registry, unless it has mirrors.

    Where a proxy stands before them, it is the proxy that must be reached.
    """
    found = []
    if packages := package_url(cluster):
        url = urlsplit(packages)
        found.append((url.hostname or "", url.port or {"http": 80}.get(url.scheme, 443)))
    registry = cluster.image_repository.partition("/")[0]
    settings = cluster.spec.runtime.registries.get(registry)
    if not (settings and settings.mirrors):
        name, _, port = registry.partition(":")
        found.append((name, int(port) if port.isdigit() else 443))
    return ways(cluster, found)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
