"""Render an addon: from its folder to the objects that the cluster should have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubeinstall.addons import builder as building
from kubeinstall.addons import documents, objects
from kubeinstall.addons.defaults import several_defaults
from kubeinstall.addons.downloads import Downloads
from kubeinstall.addons.image_names import rewrite
from kubeinstall.addons.objects import Object, Scopes
from kubeinstall.addons.templating import render_file, render_text
from kubeinstall.addons.upstream import Upstream, not_objects
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.model import Cluster


@dataclass(frozen=True)
class Rendered:
    """An addon as the cluster should have it.

    Args:
        objects: in the order they are applied.
        notices: what is told to the user afterwards.
    """

    chosen: Chosen
    objects: tuple[Object, ...]
    notices: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.chosen.name

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"{self.name} {self.chosen.release.version}"


@dataclass(frozen=True)
class Read:
    """An addon as its files and its publishers have it.

    Args:
        documents: as they are written there.
        told: what is reported of them afterwards.
    """

    chosen: Chosen
    documents: tuple[Object, ...]
    told: tuple[str, ...] = ()


def render_all(
    cluster: Cluster, addons: Sequence[Chosen], sources: Upstream | None = None
) -> list[Rendered]:
    """All addons of a cluster, without asking one.

    Args:
        sources: for what others publish; default: with the programs of this machine only.

    Raises:
        KubeinstallError: as ``read_all`` and ``finish_all``.
    """
    return finish_all(cluster, read_all(cluster, addons, sources))


def read_all(
    cluster: Cluster, addons: Sequence[Chosen], sources: Upstream | None = None
) -> list[Read]:
    """What all addons of a cluster are made of.

    Args:
        sources: for what others publish; default: with the programs of this machine only.

    Raises:
        KubeinstallError: a template cannot be filled, what others publish cannot be fetched, or
            something gives no Kubernetes objects; more than one makes itself the default.
    """
    sources = sources or Upstream(Downloads(cluster.spec.proxy), building.first(building.here))
    others = {one.name: sources.objects(cluster, one) for one in addons}
    told = {one.name: sources.notices(cluster, one, others[one.name]) for one in addons}
    plain = {one.name: [*_own(cluster, one), *others[one.name]] for one in addons}
    if wrong := list(several_defaults(plain.items())):
        raise KubeinstallError(*wrong)
    return [Read(one, tuple(plain[one.name]), tuple(told[one.name])) for one in addons]


def finish_all(
    cluster: Cluster, addons: Sequence[Read], known: Scopes | None = None
) -> list[Rendered]:
    """All addons of a cluster as they are applied.

    Args:
        known: what the API server says of kinds, over what CRDs of the addons say.

    Raises:
        KubeinstallError: an addon has an object twice, or its notices cannot be filled in.
    """
    brought = objects.scopes(d for one in addons for d in one.documents)
    return [_rendered(cluster, one, {**brought, **(known or {})}) for one in addons]


def _rendered(cluster: Cluster, read: Read, known: Scopes) -> Rendered:
    one, documents = read.chosen, read.documents
    file, named = one.addon.file, frozenset(one.release.images.values())
    made = [
        objects.finished(rewrite(document, cluster, named), one.name, file.namespace, known)
        for document in [*_namespace(one, documents), *documents]
    ]
    _no_twins(one, made)
    notices = [*read.told, *(render_text(cluster, one, text).strip() for text in file.notices)]
    return Rendered(one, tuple(sorted(made, key=objects.order)), tuple(filter(None, notices)))


def _namespace(one: Chosen, documents: Sequence[Object]) -> Iterator[Object]:
    """The addon's namespace, unless it is the system's or among its objects."""
    name = one.addon.file.namespace
    own = any(d["kind"] == "Namespace" and d["metadata"]["name"] == name for d in documents)
    if name not in objects.SYSTEM_NAMESPACES and not own:
        yield objects.namespace_of(name, one.addon.file.pod_security)


def _own(cluster: Cluster, one: Chosen) -> Iterator[Object]:
    """The objects of the addon's own manifests."""
    for path in manifests(one):
        try:
            yield from documents.objects(render_file(cluster, one, path))
        except documents.NotObjectsError as error:
            raise not_objects(one, path, str(error)) from None


def manifests(one: Chosen) -> list[str]:
    """The addon's own manifests, as paths in its folder."""
    named = one.addon.file.manifests
    if named is not None:
        return list(named)
    folder = one.addon.folder / "manifests"
    found = [*folder.glob("*.yaml"), *folder.glob("*.yaml.j2")]
    return sorted(str(path.relative_to(one.addon.folder)) for path in found)


def _no_twins(one: Chosen, documents: Sequence[Object]) -> None:
    seen: set[tuple[str, str, str, str]] = set()
    for document in documents:
        key = objects.key(document)
        if key in seen:
            raise not_objects(one, ".", f"{key[1]} {key[3]} is duplicated")
        seen.add(key)
