"""Image archives that a user has: what is in them, and under which names it is pushed."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.names import ImageName
from kubeinstall.releases.images import NESTED

_FLATTENED = tuple(f"{repository}/" for repository in NESTED)


@dataclass(frozen=True)
class Given:
    """One image in an archive.

    Args:
        archive: the file.
        reference: its name in the archive, ``registry.k8s.io/pause:3.10``.
    """

    archive: Path
    reference: str

    @property
    def name(self) -> ImageName:
        """Its name without a registry's host."""
        return ImageName.parse(self.reference)

    @property
    def source(self) -> str:
        """How skopeo names it."""
        return f"docker-archive:{self.archive}:{self.reference}"


def read(archive: Path) -> tuple[Given, ...]:
    """The images of a docker archive.

    Raises:
        MirrorError: no docker archive, or one whose images have no names.
    """
    try:
        with tarfile.open(archive) as opened:
            member = opened.extractfile("manifest.json")
            listed = json.load(member) if member else []
        references = [str(tag) for image in listed for tag in image.get("RepoTags") or ()]
        for reference in references:
            ImageName.parse(reference)
    except (tarfile.TarError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise MirrorError(
            f"{archive} is not a docker archive",
            why=str(error),
            next="create it with docker save, or skopeo copy ... docker-archive:FILE:NAME:TAG",
        ) from error
    if not references:
        raise MirrorError(
            f"the images in {archive} have no names",
            next="save them by name, as in docker save -o FILE registry.k8s.io/pause:3.10",
        )
    return tuple(Given(archive, reference) for reference in references)


def names_for(given: Given, asked: tuple[ImageName, ...]) -> tuple[ImageName, ...]:
    """Its own name, every one that kubeadm has for the same program and tag, and those of addons.

    Addons look for what is on registry.k8s.io under its last part alone, for that is how a
    repository of one's own has kubeadm's images, and for Docker's own images below ``library/``.
    """
    own = given.name
    same = (name for name in asked if (name.program, name.tag) == (own.program, own.tag))
    others = []
    if given.reference.startswith(_FLATTENED):
        others.append(ImageName(own.program, own.tag))
    elif "/" not in own.path:
        others.append(ImageName(f"library/{own.path}", own.tag))
    return tuple(dict.fromkeys((own, *same, *others)))
