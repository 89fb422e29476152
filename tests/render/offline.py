"""What upstream publishes, left out: tests read nothing from the internet."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.addons import builder as building
from kubeinstall.addons.downloads import Downloads
from kubeinstall.addons.objects import Object
from kubeinstall.addons.upstream import Upstream
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.model import Cluster


class Offline(Upstream):
    """Without upstream's manifests and charts, and so without the patches of them."""

    def __init__(self) -> None:
        super().__init__(Downloads(), building.first(building.here))

    def objects(self, cluster: Cluster, one: Chosen) -> list[Object]:
        if one.release.upstream or one.release.chart:
            return []
        return super().objects(cluster, one)

    def notices(self, cluster: Cluster, one: Chosen, found: Sequence[Object]) -> list[str]:
        del cluster, one, found
        return []
