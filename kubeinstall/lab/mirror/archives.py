"""Image archives that a user has: what is in them, and under which names it is pushed."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.names import ImageName


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
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise MirrorError(
            f"{archive} is not a docker archive",
            why=str(error),
            next="write it with docker save, or skopeo copy ... docker-archive:FILE:NAME:TAG",
        ) from error
    references = [tag for image in listed for tag in image.get("RepoTags") or ()]
    if not references:
        raise MirrorError(
            f"the images in {archive} have no names",
            next="save them by name, as in docker save -o FILE registry.k8s.io/pause:3.10",
        )
    return tuple(Given(archive, reference) for reference in references)


def names_for(given: ImageName, asked: tuple[ImageName, ...]) -> tuple[ImageName, ...]:
    """Its own name, and every one that kubeadm has for the same program and tag."""
    same = (name for name in asked if (name.program, name.tag) == (given.program, given.tag))
    return tuple(dict.fromkeys((given, *same)))
