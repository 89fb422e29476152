"""Families of operating systems: the differences between them, one file per family.

Deploys look up the family of their host's system; no other code distinguishes families.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kubeinstall.facts.identity import SystemState
from kubeinstall.families.debian import DEBIAN
from kubeinstall.families.fedora import FEDORA
from kubeinstall.families.openeuler import OPENEULER
from kubeinstall.families.redhat import REDHAT
from kubeinstall.files.family import Family

__all__ = ["FAMILIES", "SYSTEMS", "Family", "of"]

FAMILIES: tuple[Family, ...] = (DEBIAN, REDHAT, FEDORA, OPENEULER)
SYSTEMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: versions for family in FAMILIES for name, versions in family.systems.items()}
)
"""All systems by their os-release ID, each with the versions that its family was made for."""


def of(system: SystemState) -> Family:
    """The family of a system; one that is not known is taken for the first.

    Preflight refuses systems that are not known before anything is deployed.
    """
    for name in (system.id, *system.like):
        for family in FAMILIES:
            if name in family.systems:
                return family
    return FAMILIES[0]
