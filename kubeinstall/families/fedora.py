"""Fedora: as Red Hat's, with container runtimes of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kubeinstall.families.redhat import RedHat
from kubeinstall.inventory.model import RuntimeName


class Fedora(RedHat):
    """Fedora."""

    name = "fedora"
    systems: Mapping[str, tuple[str, ...]] = MappingProxyType({"fedora": ("42", "43", "44")})

    def runtime_package(self, runtime: RuntimeName) -> str:
        return "moby-engine" if runtime is RuntimeName.DOCKER else "containerd"


FEDORA = Fedora()
