"""openEuler: as Red Hat's, with container runtimes of its own and other names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kubeinstall.families.redhat import RedHat
from kubeinstall.inventory.model import RuntimeName


class OpenEuler(RedHat):
    """openEuler's releases with long-term support."""

    name = "openeuler"
    systems: Mapping[str, tuple[str, ...]] = MappingProxyType({"openEuler": ("22.03", "24.03")})
    # tc is in iproute itself.
    tools: tuple[str, ...] = ("conntrack-tools", "ethtool", "iproute", "iptables", "socat")

    def runtime_package(self, runtime: RuntimeName) -> str:
        return "docker" if runtime is RuntimeName.DOCKER else "containerd"


OPENEULER = OpenEuler()
