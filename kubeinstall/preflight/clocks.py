"""Clocks: kept in sync, and agreeing with one another."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.preflight.probe import Probe
from kubeinstall.preflight.rule import Probes, error, warning

_MOST_SKEW = 30.0
"""Seconds between a clock and the middle one."""


def synced(_cluster: Cluster, host: Host, probe: Probe) -> Iterable[Finding]:
    """A clock that nothing keeps in sync."""
    # A container's clock is its machine's.
    if probe.synced == "no" and probe.container in ("", "none"):
        yield warning(
            host.name,
            "its clock is not synchronized, and cluster.time.manage is false",
            "timedatectl reports NTPSynchronized=no; certificates and etcd need synchronized "
            "clocks",
            f"on {host.name}: timedatectl; or leave cluster.time.manage at true for chrony",
        )


def clocks(probes: Probes) -> Iterable[Finding]:
    times = {name: probe.time for name, probe in probes.items() if probe.time}
    if not times:
        return
    middle = median(times.values())
    for name, time in times.items():
        if abs(time - middle) > _MOST_SKEW:
            yield error(
                name,
                f"its clock is {abs(time - middle):.0f} s {'ahead' if time > middle else 'behind'}",
                "certificates and etcd need clocks that differ by no more than seconds",
                f"on {name}: timedatectl; chronyc tracking",
            )
