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
            "it answers only inside the university since 2022",
            dead=True,
        ),
        "163": Accelerator(
            "https://hub-mirror.c.163.com",
            "it was seen with incomplete images, and nobody says that it is kept up",
        ),
        "qiniu": Accelerator(
            "https://reg-mirror.qiniu.com",
            "its operator ended the service in May 2020",
            dead=True,
        ),
        "daocloud": Accelerator(
            "https://docker.m.daocloud.io",
            "it has only images of its allow list, and limits the rate",
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
