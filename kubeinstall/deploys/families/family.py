"""What a family of operating systems has to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kubeinstall.inventory.model import Cluster, RuntimeName
from kubeinstall.operations.packages import Wanted


@dataclass(frozen=True)
class Chrony:
    """Where chrony has its configuration, and what its service is called."""

    conf: str
    unit: str


class Family(Protocol):
    """A family: data, and operations that differ."""

    name: str
    """What it is called, e.g. ``debian``."""
    systems: Mapping[str, tuple[str, ...]]
    """Systems by their os-release ID, each with the versions it was made for."""
    chrony: Chrony
    tools: tuple[str, ...]
    """Packages that Kubernetes calls and that its own packages need not bring."""

    def runtime_package(self, runtime: RuntimeName) -> str:
        """The distribution's own package of a runtime."""

    def installed(self, wanted: Wanted, *, name: str, held: bool = False) -> None:
        """Install packages.

        Args:
            wanted: names and versions; a version may end in ``*``.
            name: the operation's name.
            held: keep them from being upgraded by anything else.
        """

    def kubernetes_source(self, cluster: Cluster, wanted: Wanted) -> None:
        """Make the source of Kubernetes' packages, and its key, known.

        Args:
            wanted: what will be installed from there.
        """
