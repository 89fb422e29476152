"""Families of operating systems: which one a host is of."""

from __future__ import annotations

import re

import pytest

from kubeinstall import families
from kubeinstall.facts.identity import System, SystemState
from tests.running import REPO

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("system", "family"),
    [
        (SystemState("debian", "12"), "debian"),
        (SystemState("ubuntu", "24.04", ("debian",)), "debian"),
        (SystemState("raspbian", "12", ("debian",)), "debian"),
        (SystemState("rhel", "8.10", ("fedora",)), "redhat"),
        (SystemState("rocky", "9.4", ("rhel", "centos", "fedora")), "redhat"),
        (SystemState("almalinux", "10.0", ("rhel", "centos", "fedora")), "redhat"),
        (SystemState("centos", "9", ("rhel", "fedora")), "redhat"),
        (SystemState("fedora", "43"), "fedora"),
        (SystemState("openEuler", "24.03"), "openeuler"),
    ],
)
def test_a_system_is_of_the_family_that_it_or_its_origin_names(
    system: SystemState, family: str
) -> None:
    assert families.of(system).name == family


def test_the_readme_names_every_release_that_is_known() -> None:
    text = " ".join((REPO / "README.md").read_text().split())
    known = text.partition("Preflight knows ")[2].partition(" It warns")[0]
    names = {"rhel": "RHEL", "rocky": "Rocky Linux", "almalinux": "AlmaLinux"}
    names |= {"centos": "CentOS Stream", "openEuler": "openEuler"}
    for system, versions in families.SYSTEMS.items():
        name = names.get(system, system.capitalize())
        [clause] = [part for part in known.rstrip(".").split(";") if name in part]
        assert set(versions) == set(re.findall(r"[\d.]+", clause)), system


def test_os_release_is_read() -> None:
    lines = ["ubuntu", "24.04", "debian", "noble"]
    assert System().process(lines) == SystemState("ubuntu", "24.04", ("debian",), "noble")
    assert System().process(["junk"]) == SystemState()
