"""A cluster's addons, read once: what they are applied as depends on what the API server serves."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.addons.objects import Scopes
from kubeinstall.addons.render import Read, Rendered, finish_all
from kubeinstall.addons.sharing import shared
from kubeinstall.inventory.model import Cluster


class Prepared:
    """The addons of an inventory.

    Args:
        cluster: that they were read for.
        read: in the order they are applied.
    """

    def __init__(self, cluster: Cluster, read: Sequence[Read]) -> None:
        self.cluster = cluster
        self._read = read
        self._made: tuple[Scopes, list[Rendered]] | None = None

    def rendered(self, known: Scopes) -> list[Rendered]:
        """The addons as they are applied.

        Args:
            known: what the API server says of kinds; empty where there is none.

        Raises:
            KubeinstallError: two have the same object.
        """
        if self._made is None or self._made[0] != known:
            self._made = known, shared(finish_all(self.cluster, self._read, known))
        return self._made[1]
