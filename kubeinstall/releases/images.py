"""What has to be known of kubeadm's images before kubeadm itself can be asked.

Sources: ``PauseVersion`` in kubeadm's constants.go; ``GetDNSImage`` in its images.go;
kubernetes/kubeadm issues 2501 and 2714.
"""

from __future__ import annotations

from enum import StrEnum

from kubeinstall.releases import Version

_PAUSE = {
    (1, 20): "3.2",
    (1, 21): "3.4.1",
    (1, 22): "3.5",
    (1, 23): "3.6",
    (1, 24): "3.7",
    (1, 25): "3.8",
    (1, 26): "3.9",
    (1, 31): "3.10",
    (1, 34): "3.10.1",
    (1, 36): "3.10.2",
}
"""The sandbox (pause) image's tag, by the first minor that has it."""

NESTED = ("registry.k8s.io", "k8s.gcr.io")
_NESTED_SINCE = Version(1, 21, 0)
_FLAT_AGAIN_SINCE = Version(1, 21, 2)


class ImageLayout(StrEnum):
    """Location of CoreDNS in an image repository: ``REPO/coredns`` or ``REPO/coredns/coredns``."""

    FLAT = "flat"
    NESTED = "nested"


def sandbox_image(version: Version, repository: str) -> str:
    """The sandbox image that ``kubeadm config images list`` names.

    Args:
        version: the Kubernetes version, not older than 1.20.
        repository: where kubeadm's images come from.
    """
    tag = next(
        tag for minor, tag in sorted(_PAUSE.items(), reverse=True) if minor <= _minor(version)
    )
    return f"{repository}/pause:{tag}"


def image_layout(repository: str) -> ImageLayout:
    """The layout of a repository that nothing else is known of: kubeadm takes it for flat."""
    return ImageLayout.NESTED if repository in NESTED else ImageLayout.FLAT


def flat_works(version: Version) -> bool:
    """Whether kubeadm can take CoreDNS from a flat repository: 1.21.0 and 1.21.1 cannot."""
    return not _NESTED_SINCE <= version < _FLAT_AGAIN_SINCE


def dns_repository(version: Version, repository: str, layout: ImageLayout) -> str | None:
    """What kubeadm has to be told of where CoreDNS is; None: it finds it by itself.

    kubeadm looks into ``REPO/coredns`` for it, but only where the repository is its default, which
    went from k8s.gcr.io to registry.k8s.io amidst the patch releases of minors before 1.25.

    Args:
        repository: where kubeadm's images come from.
        layout: of the repository.
    """
    by_itself = repository == "registry.k8s.io" and version >= Version(1, 25, 0)
    if layout is ImageLayout.FLAT or version < _FLAT_AGAIN_SINCE or by_itself:
        return None
    return f"{repository}/coredns"


def _minor(version: Version) -> tuple[int, int]:
    return version.major, version.minor
