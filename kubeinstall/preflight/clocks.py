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


def off(probes: Probes, before: float, after: float) -> frozenset[str]:
    """Hosts whose clock differs from this machine's: TLS and signed package lists may refuse it.

    Args:
        before, after: this machine's clock when the hosts were asked, and when all had answered;
            seconds since 1970.
    """
    least, most = before - _MOST_SKEW, after + _MOST_SKEW
    return frozenset(
        name for name, probe in probes.items() if probe.time and not least <= probe.time <= most
    )


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
