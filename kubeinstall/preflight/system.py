"""The operating system: which one, how big, and which programs it has."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from kubeinstall.families import SYSTEMS
from kubeinstall.findings import Finding
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.catalogue.host_needs import numbers
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.preflight.disks import lacks_room
from kubeinstall.preflight.probe import Probe
from kubeinstall.preflight.rule import error, warning

_ARCHES = ("x86_64", "aarch64")
_MIN_CPUS, _MIN_MEMORY_MB, _MIN_DISK_MB = 2, 1700, 2048

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


def understood(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """Values reported by the host that do not have the expected form."""
    for name, said in probe.refused.items():
        yield error(
            host.name,
            f"reports {said} as its {name.replace('_', ' ')}",
            "kubeinstall does not use values that do not have the expected form",
            f"on {host.name}: {_LOOK.get(name, 'check what a login prints')}; if the value is "
            "false, the host may be compromised",
        )


def system(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """An operating system or architecture that kubeinstall does not know."""
    known = SYSTEMS.get(probe.os)
    listed = "; ".join(f"{name} {', '.join(v)}" for name, v in SYSTEMS.items())
    if known is None:
        name = probe.os or "an unknown system"
        why = "the names of its packages and files are unknown"
        yield error(host.name, f"{name} is not supported", why, listed)
    # 9 stands for 9.4 as well.
    elif not any(f"{probe.os_version}.".startswith(f"{version}.") for version in known):
        what = f"kubeinstall does not support {probe.os} {probe.os_version}".rstrip()
        yield warning(host.name, what, "its packages may have other names", listed)
    if probe.arch not in _ARCHES:
        yield error(host.name, f"{probe.arch} is not supported", then=", ".join(_ARCHES))


def size(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """CPUs and memory, as kubeadm wants them of a control plane."""
    ignored = {name.lower() for name in cluster.spec.kubeadm.ignore_preflight_errors}
    if not host.is_control_plane or "all" in ignored:
        return
    then = "give it more, or add {} to cluster.kubeadm.ignore_preflight_errors"
    if probe.cpus < _MIN_CPUS and "numcpu" not in ignored:
        what = f"{probe.cpus} CPU; a control plane needs {_MIN_CPUS}"
        yield error(host.name, what, "kubeadm requires it", then.format("NumCPU"))
    if probe.memory_mb < _MIN_MEMORY_MB and "mem" not in ignored:
        what = f"{probe.memory_mb} MB of memory; a control plane needs {_MIN_MEMORY_MB} MB"
        yield error(host.name, what, "kubeadm requires it", then.format("Mem"))


def disk(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """Room for images, logs and pods."""
    yield from lacks_room(cluster, host, probe.rooms, probe.node)
    if probe.disk_mb is not None and probe.disk_mb < _MIN_DISK_MB:
        what = f"{probe.disk_mb} MB free under /var; at least {_MIN_DISK_MB} MB are needed"
        why = "images and logs are stored there, and the kubelet evicts pods when space is low"
        yield error(host.name, what, why, "free some space: du -xh -d2 /var | sort -h | tail")


def cgroup(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """cgroup v1, which kubelets refuse from 1.35 on."""
    version = cluster.version
    if probe.cgroup in ("", "cgroup2fs") or (version.major, version.minor) < (1, 35):
        return
    if host.kubelet.config.get("failCgroupV1") is not False:
        yield error(
            host.name,
            f"cgroup v1, with which the kubelet {version} does not start",
            "failCgroupV1 defaults to true from 1.35",
            "boot with systemd.unified_cgroup_hierarchy=1, or set defaults.kubelet.config "
            "{failCgroupV1: false} and add SystemVerification to "
            "cluster.kubeadm.ignore_preflight_errors",
        )


def kernel(cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """A kernel that is too old for an addon."""
    for one in chosen(cluster):
        oldest = one.addon.file.hosts.kernel
        if oldest and probe.kernel and numbers(probe.kernel) < numbers(oldest):
            yield error(
                host.name,
                f"kernel {probe.kernel} is too old for the addon {one.name}",
                f"it needs {oldest} or later",
                f"upgrade the kernel, or remove {one.name} from cluster.addons",
            )


def programs(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """Programs of the same name that come before the packages' own in PATH."""
    for path in probe.programs:
        name = path.rpartition("/")[2]
        yield warning(
            host.name,
            f"{path} comes before the package's own {name} in PATH",
            f"kubeinstall calls /usr/bin/{name}; in a shell, {name} runs the other one",
            f"if it is not needed, on {host.name}: rm {shlex.quote(path)}",
        )
