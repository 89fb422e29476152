"""What an addon applies beside its own manifests: upstream's, a chart, a kustomization, patched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubeinstall.addons import charts, helm, kustomize
from kubeinstall.addons.builder import Builder
from kubeinstall.addons.documents import NotObjectsError, objects
from kubeinstall.addons.downloads import Downloads
from kubeinstall.addons.objects import Object
from kubeinstall.addons.patches import PatchError, patched
from kubeinstall.addons.templating import render_file
from kubeinstall.findings import Finding, Kind, KubeinstallError, Place
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.model import Cluster


class Upstream:
    """Reads what others publish.

    Args:
        builder: runs helm and kustomize; raises KubeinstallError where it cannot.
    """

    def __init__(self, downloads: Downloads, builder: Builder) -> None:
        self._downloads = downloads
        self._builder = builder

    def objects(self, cluster: Cluster, one: Chosen) -> list[Object]:
        """The objects of an addon's upstream manifests, chart and kustomization, patched.

        Raises:
            KubeinstallError: something cannot be had, is not what is pinned, gives no objects, or
                a patch is for none of them.
        """
        found = [*self._upstream(one), *self._chart(cluster, one), *self._kustomized(cluster, one)]
        path = one.addon.file.patches
        if path is None:
            return found
        patches = _objects(one, render_file(cluster, one, path), path)
        try:
            return patched(found, patches)
        except PatchError as error:
            raise not_objects(one, path, str(error)) from None

    def notices(self, cluster: Cluster, one: Chosen, found: Sequence[Object]) -> list[str]:
        """What is to be told of an addon's objects: those that its chart makes up again each time.

        Args:
            found: its objects, as ``objects`` gave them.

        Raises:
            KubeinstallError: as ``objects``.
        """
        chart = one.release.chart
        if not chart or not charts.makes_up(charts.archive(chart, self._downloads)):
            return []
        again = self.objects(cluster, one)
        others = [f"{d['kind']} {d['metadata']['name']}" for d in found if d not in again]
        if not others:
            return []
        return [
            f"the chart {chart.name} {chart.version} generates {', '.join(others)} at random, "
            "so each `up` changes it: set what it generates in its values, or remove it with a "
            "patch"
        ]

    def _upstream(self, one: Chosen) -> Iterable[Object]:
        for manifest in one.release.upstream:
            data = self._downloads.pinned(manifest.url, manifest.sha256)
            yield from _objects(one, data, manifest.url)

    def _chart(self, cluster: Cluster, one: Chosen) -> Iterable[Object]:
        if chart := one.release.chart:
            archive = charts.archive(chart, self._downloads)
            text = self._builder(helm.build(cluster, one, chart, archive)) or ""
            found = _objects(one, text, f"chart {chart.name} {chart.version}")
            yield from helm.own(found)

    def _kustomized(self, cluster: Cluster, one: Chosen) -> Iterable[Object]:
        if folder := one.addon.file.kustomization:
            text = self._builder(kustomize.build(cluster, one, folder)) or ""
            yield from _objects(one, text, folder)


def _objects(one: Chosen, text: str | bytes, origin: str) -> list[Object]:
    try:
        return list(objects(text))
    except NotObjectsError as error:
        raise not_objects(one, origin, str(error)) from None


def not_objects(one: Chosen, origin: str, why: str) -> KubeinstallError:
    """What is told of a text that should hold objects.

    Args:
        origin: an address, or a path in the addon's folder.
    """
    is_file = (one.addon.folder / origin).exists()
    return KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"addon {one.name} does not produce Kubernetes objects",
            why=" ".join(why.split()),
            next=f"correct the file, then check it: kubeinstall addon render {one.name}",
            place=Place(str(one.addon.folder / origin) if is_file else origin),
        )
    )
