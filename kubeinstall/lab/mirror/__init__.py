"""A package mirror on this machine: a signed apt repository and an image registry's storage.

The result is a folder, a `MirrorTree`; serving it is up to the caller.
"""

from __future__ import annotations

from pathlib import Path

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.model import Manifest, MirrorTree, Progress

__all__ = [
    "Manifest",
    "MirrorError",
    "MirrorTree",
    "Progress",
    "from_binaries",
    "from_debian_source",
    "trees",
]


def from_debian_source(progress: Progress) -> MirrorTree:
    """The mirror of Kubernetes 1.20.2, built from Debian's source package once and then kept.

    Args:
        progress: takes one short line a step.

    Raises:
        MirrorError: it cannot be made; says what to do.
    """
    from kubeinstall.lab.mirror import assemble

    return assemble.from_debian_source(progress)


def from_binaries(folder: Path, kubernetes: str, progress: Progress) -> MirrorTree:
    """The mirror of the programs and image archives in a folder.

    Args:
        folder: kubeadm, kubelet, kubectl, kube-apiserver, kube-controller-manager, kube-scheduler
            and kube-proxy; etcd, pause, crictl and coredns if there; any ``*.tar`` docker archive.
        kubernetes: their exact version, ``1.36.2``.
        progress: takes one short line a step.

    Raises:
        MirrorError: it cannot be made; says what to do.
    """
    from kubeinstall.lab.mirror import assemble

    return assemble.from_binaries(folder, kubernetes, progress)


def trees() -> tuple[MirrorTree, ...]:
    """The finished mirrors on this machine, newest first."""
    from kubeinstall.lab.mirror.cache import Cache

    return Cache.from_environment().trees()
