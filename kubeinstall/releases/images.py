"""The sandbox (pause) image of each minor, from ``PauseVersion`` in kubeadm's constants.go.

The runtime is set up before kubeadm is on the host, so it cannot be asked there and then.
"""

from __future__ import annotations

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
"""By the first minor that has it."""


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


def _minor(version: Version) -> tuple[int, int]:
    return version.major, version.minor
