"""Families of operating systems: what differs between them, one file a family.

Deploys ask the family of the host they run for; nothing else in the code knows one from another.
"""

from __future__ import annotations

from pyinfra.context import host

from kubeinstall.deploys.families.debian import DEBIAN
from kubeinstall.deploys.families.family import Family
from kubeinstall.deploys.families.fedora import FEDORA
from kubeinstall.deploys.families.openeuler import OPENEULER
from kubeinstall.deploys.families.redhat import REDHAT
from kubeinstall.facts.identity import System, SystemState

FAMILIES: tuple[Family, ...] = (DEBIAN, REDHAT, FEDORA, OPENEULER)


def of(system: SystemState) -> Family:
    """The family of a system; one that is not known is taken for the first.

    Preflight refuses systems that are not known before anything is deployed.
    """
    for name in (system.id, *system.like):
        for family in FAMILIES:
            if name in family.systems:
                return family
    return FAMILIES[0]


def current() -> Family:
    """The family of the host that a deploy runs for."""
    return of(host.get_fact(System))
