"""Families of operating systems: which one a host is of."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinstall import families
from kubeinstall.facts.dnf import RpmPackages
from kubeinstall.facts.identity import System, SystemState
from kubeinstall.facts.packages import Packages
from kubeinstall.families import repositories
from kubeinstall.files.family import Repository
from kubeinstall.files.rendered import RenderedFile

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


def test_os_release_is_read() -> None:
    lines = ["ubuntu", "24.04", "debian", "noble"]
    assert System().process(lines) == SystemState("ubuntu", "24.04", ("debian",), "noble")
    assert System().process(["junk"]) == SystemState()


@pytest.mark.parametrize("packages", [Packages, RpmPackages])
def test_a_sources_own_key_is_fetched_with_all_that_is_known_of_it(
    packages: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(repositories, "signing_key_fetched", given.update)
    repository = Repository(
        "docker", "Docker", "https://x/", key_url="https://x/gpg", key_fingerprints=("AB",)
    )
    wanted = (("docker-ce", ""),)
    repositories.place_key(RenderedFile("/k.asc", ""), repository, wanted, packages)
    given.pop("name")
    assert given == {
        "path": "/k.asc",
        "url": "https://x/gpg",
        "wanted": wanted,
        "fingerprints": ("AB",),
        "packages": packages,
    }
