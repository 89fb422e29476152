"""Every image of an addon comes from where the inventory says.

Sources: the reference grammar of github.com/distribution/reference for names without a registry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kubeinstall.inventory.model import Cluster
from kubeinstall.releases.images import ImageLayout, image_layout

_KUBERNETES = "registry.k8s.io"
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def full_name(image: str) -> str:
    """An image's name with its registry: ``nginx:1`` is ``docker.io/library/nginx:1``."""
    first, slash, _ = image.partition("/")
    if not slash:
        return f"docker.io/library/{image}"
    if "." in first or ":" in first or first == "localhost":
        return image
    return f"docker.io/{image}"


def rewritten(image: str, cluster: Cluster) -> str:
    """Where an image is pulled from.

    ``cluster.images`` counts first, the longest start of a name over shorter ones. What is on
    registry.k8s.io follows the repository that kubeadm's images come from.
    """
    name = full_name(image)
    for start in sorted(cluster.spec.images, key=len, reverse=True):
        if name.startswith((f"{start}/", f"{start}:", f"{start}@")):
            return cluster.spec.images[start] + name.removeprefix(start)
    repository = cluster.origin.image_repository
    if repository and repository != _KUBERNETES and name.startswith(f"{_KUBERNETES}/"):
        path = name.removeprefix(f"{_KUBERNETES}/")
        layout = cluster.spec.image_layout or image_layout(repository)
        if layout is ImageLayout.FLAT:
            path = path.rpartition("/")[2]
        return f"{repository}/{path}"
    return name


def rewrite(document: Any, cluster: Cluster, named: Collection[str] = ()) -> Any:
    """An object with the images of all its containers rewritten, wherever its pod spec is.

    Args:
        named: images that are rewritten wherever they stand alone: operators take those of what
            they start as arguments and variables.
    """
    if isinstance(document, list):
        return [rewrite(item, cluster, named) for item in document]
    if isinstance(document, str) and document in named:
        return rewritten(document, cluster)
    if not isinstance(document, dict):
        return document
    return {
        key: [_container(item, cluster, named) for item in value]
        if key in _CONTAINERS and isinstance(value, list)
        else rewrite(value, cluster, named)
        for key, value in document.items()
    }


def _container(container: Any, cluster: Cluster, named: Collection[str]) -> Any:
    if not isinstance(container, dict) or not isinstance(container.get("image"), str):
        return rewrite(container, cluster, named)
    rest = {key: value for key, value in container.items() if key != "image"}
    return {**rewrite(rest, cluster, named), "image": rewritten(container["image"], cluster)}


def images(document: Any) -> Iterator[str]:
    """The images of an object's containers."""
    if isinstance(document, list):
        for item in document:
            yield from images(item)
    elif isinstance(document, Mapping):
        for key, value in document.items():
            if key in _CONTAINERS and isinstance(value, list):
                named = (item for item in value if isinstance(item, dict))
                yield from (c["image"] for c in named if isinstance(c.get("image"), str))
            else:
                yield from images(value)
