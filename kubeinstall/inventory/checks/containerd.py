"""What the inventory's own settings may not take from containerd."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.inventory.model import InventoryFile, RuntimeName
from kubeinstall.inventory.positions import Issue, dotted

_CRI = frozenset(
    {
        "cri",
        "io.containerd.grpc.v1.cri",
        "io.containerd.cri.v1.images",
        "io.containerd.cri.v1.runtime",
    }
)
"""Names of the plugin that the kubelet speaks to, in configurations of each version."""


def cri(inventory: InventoryFile) -> Iterator[Issue]:
    """The kubelet needs containerd's CRI plugin."""
    runtime = inventory.cluster.runtime
    disabled = runtime.config.get("disabled_plugins")
    if runtime.name is not RuntimeName.CONTAINERD or not isinstance(disabled, list):
        return
    loc = ("cluster", "runtime", "config", "disabled_plugins")
    for plugin in disabled:
        if plugin in _CRI:
            yield Issue(
                loc,
                f"{dotted(loc)}: the kubelet needs {plugin}",
                why="without it, no pod can run",
                next=f"remove {plugin} from the list",
                at_key=True,
            )
