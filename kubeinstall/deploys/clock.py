"""The clock, in step before anything depends on it."""

from __future__ import annotations

from kubeinstall.files.family import Family
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.clock import in_sync


def awaited(cluster: Cluster, family: Family) -> None:
    """Wait until the clock is synchronized, where that is the inventory's business."""
    time = cluster.spec.time
    if time.manage and time.sync_timeout:
        in_sync(
            timeout=time.sync_timeout,
            unit=family.chrony.unit,
            name="Wait for the clock to synchronize",
        )
