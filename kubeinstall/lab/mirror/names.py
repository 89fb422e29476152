"""Names of images and versions of programs, read from what programs print."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True)
class ImageName:
    """An image's name without a registry's host.

    Args:
        path: ``coredns/coredns``.
        tag: ``v1.14.2``.
    """

    path: str
    tag: str

    @classmethod
    def parse(cls, reference: str) -> ImageName:
        """Read ``registry.k8s.io/pause:3.10``, dropping the host.

        Raises:
            ValueError: no tag.
        """
        head, slash, rest = reference.strip().partition("/")
        is_host = bool(slash) and ("." in head or ":" in head or head == "localhost")
        path, colon, tag = (rest if is_host else reference.strip()).rpartition(":")
        if not colon or not path or "/" in tag or "@" in path:
            raise ValueError(f"{reference!r} is not an image name with a tag")
        return cls(path, tag)

    @property
    def program(self) -> str:
        """The last part of the path, the program's name in kubeadm's list."""
        return self.path.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.path}:{self.tag}"


def parse_list(text: str) -> tuple[ImageName, ...]:
    """The names that ``kubeadm config images list`` prints; warnings between them are no names."""
    words = (line.strip() for line in text.splitlines())
    return tuple(
        ImageName.parse(word) for word in words if "/" in word and ":" in word and " " not in word
    )


def upstream_of(debian: str) -> str:
    """The upstream version of a Debian one: ``1.20.5+really1.20.2-1.1`` is ``1.20.2``."""
    version = debian.rpartition(":")[2]
    version = version.rpartition("+really")[2]
    return re.split(r"[-+~]", version)[0]


def version_in(text: str) -> str:
    """The first version in a text, such as a tag or what a program says.

    Raises:
        ValueError: there is none.
    """
    match = _NUMBERS.search(text)
    if not match:
        raise ValueError(f"there is no version in {text!r}")
    return match[0]


def minor_in(text: str) -> tuple[int, int]:
    """Major and minor of the first version in a text.

    Raises:
        ValueError: there is none.
    """
    major, minor = version_in(text).split(".")[:2]
    return int(major), int(minor)
