"""What each Kubernetes minor release needs: data and lookups, and nothing else.

Sources: the kubeadm API types (k8s.io/kubernetes/cmd/kubeadm/app/apis), kubeadm's constants.go and
the release notes of each minor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OLDEST = (1, 20)
NEWEST = (1, 37)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_VERSION_IN = re.compile(r"(?:\d+:)?(v?\d{1,4}\.\d{1,4}\.\d{1,4})(?![\d.])", re.ASCII)


@dataclass(frozen=True, order=True)
class Version:
    """An exact Kubernetes version, e.g. ``Version(1, 36, 2)``."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``1.36.2`` or ``v1.36.2``.

        Raises:
            ValueError: not three numbers.
        """
        match = _VERSION.fullmatch(text.strip())
        if not match:
            raise ValueError(f"{text!r} is not an exact version such as 1.36.2")
        return cls(*(int(part) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def minor_name(self) -> str:
        """``1.36``: how package repositories and upgrade rules name it."""
        return f"{self.major}.{self.minor}"


def version_in(text: str) -> Version:
    """The version that a longer one begins with.

    Args:
        text: what a program or a package says of itself, e.g. ``v1.36.2-eks-1`` or ``1.36.2-1.1``.

    Raises:
        ValueError: it begins with none.
    """
    match = _VERSION_IN.match(text.strip())
    if not match:
        raise ValueError(f"{text[:80]!r} does not start with a version such as 1.36.2")
    return Version.parse(match[1])


DEFAULT = Version(1, 36, 2)
"""What a new inventory starts with."""


@dataclass(frozen=True)
class Release:
    """The facts of one minor that a decision depends on."""

    version: Version

    @property
    def _minor(self) -> tuple[int, int]:
        return self.version.major, self.version.minor

    @property
    def kubeadm_api(self) -> str:
        """The kubeadm configuration API to write: the newest that the minor reads."""
        if self._minor <= (1, 21):
            return "kubeadm.k8s.io/v1beta2"
        if self._minor <= (1, 30):
            return "kubeadm.k8s.io/v1beta3"
        return "kubeadm.k8s.io/v1beta4"

    @property
    def list_args(self) -> bool:
        """Whether kubeadm's ``extraArgs`` are a list of name and value (v1beta4)."""
        return self._minor >= (1, 31)

    @property
    def dockershim(self) -> bool:
        """Whether the kubelet speaks to Docker by itself (removed in 1.24)."""
        return self._minor <= (1, 23)

    @property
    def cri_v1(self) -> bool:
        """Whether the kubelet speaks CRI v1; before 1.23 v1alpha2, which containerd 2 lacks."""
        return self._minor >= (1, 23)

    @property
    def needs_containerd_2(self) -> bool:
        """1.35 was the last minor to support containerd 1.x fully; from 1.38 it is refused."""
        return self._minor >= (1, 38)

    @property
    def image_repository(self) -> str:
        """kubeadm's default registry of that time."""
        return "k8s.gcr.io" if self._minor <= (1, 24) else "registry.k8s.io"

    @property
    def control_plane_taints(self) -> tuple[str, ...]:
        """The keys kubeadm taints a control plane with."""
        if self._minor <= (1, 23):
            return ("node-role.kubernetes.io/master",)
        if self._minor == (1, 24):
            return ("node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane")
        return ("node-role.kubernetes.io/control-plane",)

    @property
    def control_plane_label(self) -> str:
        """The label kubeadm marks a control plane with."""
        if self._minor <= (1, 19):
            return "node-role.kubernetes.io/master"
        return "node-role.kubernetes.io/control-plane"


def release(version: Version) -> Release:
    """The release facts of a version.

    Raises:
        ValueError: the minor is older or newer than what is known.
    """
    if not OLDEST <= (version.major, version.minor) <= NEWEST:
        oldest, newest = (f"{major}.{minor}" for major, minor in (OLDEST, NEWEST))
        raise ValueError(f"Kubernetes {version} is not supported; {oldest} to {newest} are")
    return Release(version)
