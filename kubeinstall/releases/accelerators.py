"""Public mirrors of Docker Hub by name, and what is known of them.

Sources: docker-practice/docker-registry-cn-mirror-test (issues 1, 3, 4 and 7), the Docker Hub page
of mirrors.ustc.edu.cn, DaoCloud/public-image-mirror (issues 2328 and 6196).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DOCKER_HUB = "docker.io"


@dataclass(frozen=True)
class Accelerator:
    """A public mirror of Docker Hub.

    Args:
        url: for Docker's registry-mirrors, and containerd's hosts of docker.io.
        known: what speaks against it; empty: nothing that is known.
        dead: it is known not to serve the public any more.
    """

    url: str
    known: str
    dead: bool = False


ACCELERATORS: Mapping[str, Accelerator] = MappingProxyType(
    {
        "ustc": Accelerator(
            "https://docker.mirrors.ustc.edu.cn",
            "since 2022, it is only available inside the university",
            dead=True,
        ),
        "163": Accelerator(
            "https://hub-mirror.c.163.com",
            "it has had incomplete images, and appears to be unmaintained",
        ),
        "qiniu": Accelerator(
            "https://reg-mirror.qiniu.com",
            "its operator ended the service in May 2020",
            dead=True,
        ),
        "daocloud": Accelerator(
            "https://docker.m.daocloud.io",
            "it only has the images on its allow list, and it is rate-limited",
        ),
    }
)


def accelerator_url(name: str) -> str:
    """The address of a mirror of Docker Hub.

    Args:
        name: of a public one, or a URL, which stands for itself.
    """
    known = ACCELERATORS.get(name)
    return known.url if known else name
