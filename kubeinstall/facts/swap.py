"""Swap: what is in use, and what would bring it back at the next boot."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.resources import script

SERVICES = (
    "dphys-swapfile.service",
    "swapspace.service",
    "zram-config.service",
    "zram-swap.service",
    "zramswap.service",
)
"""Services of distributions that make swap when they start."""


_ZRAM = re.compile(r"zram-generator\.conf(\.d/[A-Za-z0-9_][-\w.@ ]*\.conf)?", re.ASCII)


@dataclass(frozen=True)
class SwapState:
    """Swap on a host.

    Args:
        active: devices and files in use.
        fstab: lines of /etc/fstab that ask for swap.
        units: swap units that are not masked.
        services: enabled services that make swap.
        zram: files below ``systemd/`` that give zram-generator something to make.
        waagent: Azure's agent is told to make a swap file.
        target: systemd would start swap units at boot, those of its generators (fstab, GPT
            partitions, zram) included.
    """

    active: tuple[str, ...] = ()
    fstab: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    zram: tuple[str, ...] = ()
    waagent: bool = False
    target: bool = False


class Swap(FactBase[SwapState]):
    """Where swap is and where it comes from."""

    @staticmethod
    def default() -> SwapState:
        return SwapState()

    def command(self) -> str:
        return script("hosts/swap", services=" ".join(SERVICES))

    def process(self, output: list[str]) -> SwapState:
        found: dict[str, list[str]] = {}
        for line in output:
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
        return SwapState(
            active=tuple(found.get("active", ())),
            fstab=tuple(found.get("fstab", ())),
            units=tuple(found.get("unit", ())),
            services=tuple(found.get("service", ())),
            zram=tuple(sorted(filter(_ZRAM.fullmatch, found.get("zram", ())))),
            waagent="waagent" in found,
            target="target" in found,
        )
