"""Room on a host's disks, judged by the thresholds at which its kubelet evicts pods.

Source: kubernetes.io, concepts/scheduling-eviction/node-pressure-eviction ("Hard eviction
thresholds", "Eviction signals"); the kubelet compares what is free to a user who is not root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kubeinstall.facts.values import number
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster, Host, RuntimeName

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "nodefs.available": "10%",
        "nodefs.inodesFree": "5%",
        "imagefs.available": "15%",
        "imagefs.inodesFree": "5%",
    }
)
"""The kubelet's own, on Linux; a configuration with any threshold of its own replaces them all."""

_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "m": 1e-3, "": 1.0}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", start=1)}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|[KMGTPE]i?|)")
_HOLDS = {"nodefs": "pods and their logs", "imagefs": "images and containers"}


@dataclass(frozen=True)
class Room:
    """A file system, as statfs(2) has it.

    Args:
        size: bytes; ``free``: those that a user other than root may use.
        inodes: how many it has; 0: it counts none, as btrfs.
    """

    size: int
    free: int
    inodes: int = 0
    inodes_free: int = 0

    @classmethod
    def parse(cls, text: str) -> Room | None:
        """Of ``stat -f -c '%S %b %a %c %d'``; None: it is something else."""
        try:
            block, blocks, free, inodes, inodes_free = map(number, text.split())
        except ValueError:
            return None
        return cls(block * blocks, block * free, inodes, inodes_free) if block * blocks else None


def folders(cluster: Cluster) -> dict[str, str]:
    """Where the kubelet keeps pods and the runtime keeps images, by the kubelet's names."""
    runtime = cluster.spec.runtime
    key, usual = (
        ("data-root", "/var/lib/docker")
        if runtime.name is RuntimeName.DOCKER
        else ("root", "/var/lib/containerd")
    )
    moved = runtime.config.get(key)
    return {"nodefs": "/var/lib/kubelet", "imagefs": moved if isinstance(moved, str) else usual}


def lacks_room(
    cluster: Cluster, host: Host, rooms: Mapping[str, Room], node: bool
) -> list[Finding]:
    """Disks on which the kubelet would take no pods, or takes none already.

    Args:
        rooms: ``nodefs`` and ``imagefs``, as far as the host told them.
        node: the host is a node already: then it is a warning, for the run may be what frees it.
    """
    found = []
    for signal, threshold in _thresholds(host).items():
        place, _, what = signal.partition(".")
        room = rooms.get(place)
        if room is None or (what == "inodesFree" and not room.inodes):
            continue
        free, whole = (
            (room.free, room.size) if what == "available" else (room.inodes_free, room.inodes)
        )
        if free >= _least(threshold, whole):
            continue
        path = folders(cluster)[place]
        unit = "inodes" if what == "inodesFree" else "space"
        found.append(
            Finding(
                Kind.PREFLIGHT,
                f"{100 * free / whole:.1f} % of the {unit} under {path} is free; "
                f"the kubelet needs {threshold}",
                (host.name,),
                f"{_HOLDS[place]} are stored there; below {signal} {threshold} the kubelet "
                "reports DiskPressure, evicts pods and accepts no new ones",
                _advice(path, unit),
                "warning" if node else "error",
            )
        )
    return found


def _thresholds(host: Host) -> Mapping[str, str]:
    """The kubelet's hard thresholds for disks."""
    given = host.kubelet.fields.get("evictionHard")
    if not isinstance(given, Mapping) or not given:
        return DEFAULTS
    return {signal: str(given[signal]) for signal in DEFAULTS if signal in given}


def _least(threshold: str, whole: int) -> float:
    """A threshold in bytes or inodes; 0 for one that is neither a share nor a quantity."""
    share = threshold.endswith("%")
    match = _AMOUNT.fullmatch(threshold.removesuffix("%"))
    if match is None:
        return 0.0
    amount = float(match[1]) * _UNITS[match[2]]
    return amount * whole / 100 if share else amount


def _advice(path: str, unit: str) -> str:
    command = "du --inodes -xd2" if unit == "inodes" else "du -xhd2"
    parent = path.rpartition("/")[0] or "/"
    return f"free some space ({command} {parent} | sort -h | tail), or set kubelet.eviction_hard"


def rooms_of(values: Iterable[str]) -> dict[str, Room]:
    """What a host told of its file systems: a name and numbers each."""
    found: dict[str, Room] = {}
    for value in values:
        name, _, numbers = value.partition(" ")
        if name in _HOLDS and (room := Room.parse(numbers)):
            found[name] = room
    return found
