"""Cloned hosts: identities that several share, and who of them gets a new one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from kubeinstall.findings import Finding, Kind, Severity
from kubeinstall.inventory.model import Cluster, Host, MachineIds
from kubeinstall.preflight.probe import Probe
from kubeinstall.preflight.rule import Probes

_WHY = "nodes are identified by it"


def same(cluster: Cluster, hosts: Sequence[Host], probes: Probes) -> Iterable[Finding]:
    """An identity that several hosts share, while one of them is no node yet."""
    for mac, names in _owners(hosts, probes, lambda probe: probe.mac).items():
        yield _finding(names, f"the same MAC address {mac}", "give each its own MAC address")
    for identity, names in _owners(hosts, probes, lambda probe: probe.machine_id).items():
        if cluster.spec.machine_ids is MachineIds.RENEW_DUPLICATES:
            yield _renewed(identity, names, renewed(cluster, probes))
        else:
            then = "set cluster.machine_ids to renew-duplicates; or on all but one host: "
            by_hand = "tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id; reboot"
            yield _finding(names, f"the same machine-id {identity}", then + by_hand)
    # Containers see the product_uuid of the machine they run on: no clones.
    contained = all(probes[host.name].container not in ("", "none") for host in hosts)
    for uuid, names in _owners(hosts, probes, lambda probe: probe.product_uuid).items():
        what, then = f"the same product_uuid {uuid}", "give each virtual machine its own"
        yield _finding(names, what, then, warn=contained)


def renewed(cluster: Cluster, probes: Probes) -> dict[str, str]:
    """Hosts that get a new machine-id, and the one that they share with others now.

    Nodes keep theirs; of hosts that are none yet the first one does, if no node has it.
    """
    if cluster.spec.machine_ids is not MachineIds.RENEW_DUPLICATES:
        return {}
    hosts = [host for host in cluster.hosts if host.name in probes]
    found: dict[str, str] = {}
    for identity, names in _owners(hosts, probes, lambda probe: probe.machine_id).items():
        fresh = [name for name in names if not probes[name].node]
        keeps = names[0] if fresh == names else ""
        found |= {name: identity for name in fresh if name != keeps}
    return found


def _owners(
    hosts: Sequence[Host], probes: Probes, read: Callable[[Probe], str]
) -> dict[str, list[str]]:
    """What several hosts share, and who they are, unless all of them are nodes that work."""
    owners: dict[str, list[str]] = defaultdict(list)
    for host in hosts:
        if value := read(probes[host.name]):
            owners[value].append(host.name)
    return {
        value: names
        for value, names in owners.items()
        if len(names) > 1 and not all(probes[name].node for name in names)
    }


def _finding(names: Sequence[str], what: str, then: str, *, warn: bool = False) -> Finding:
    severity: Severity = "warning" if warn else "error"
    return Finding(Kind.PREFLIGHT, what, tuple(names), _WHY, then, severity)


def _renewed(identity: str, names: Sequence[str], new: Mapping[str, str]) -> Finding:
    who = ", ".join(name for name in names if name in new)
    return Finding(
        Kind.PREFLIGHT,
        f"the same machine-id {identity}; new: {who}",
        tuple(names),
        f"{_WHY}, and cluster.machine_ids is {MachineIds.RENEW_DUPLICATES}",
        "a host with DHCP may get another address at its next boot: reserve the address by MAC "
        "address; "
        f"to read its old journal: journalctl -D /var/log/journal/{identity}",
        "warning",
    )
