"""Docker's own packages, and the repository they come from."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinstall.deploys import runtime_packages
from kubeinstall.facts.identity import SystemState
from kubeinstall.families.debian import DEBIAN
from kubeinstall.families.redhat import REDHAT
from kubeinstall.findings import KubeinstallError
from kubeinstall.releases.package_sources import PackageFormat
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit

BOOKWORM = SystemState("debian", "12", (), "bookworm")
ROCKY = SystemState("rocky", "9.5", ("rhel", "centos", "fedora"), "")


def test_docker_ce_is_three_packages() -> None:
    version = "5:28.0.1-1~debian.12~bookworm"
    assert runtime_packages.wanted("docker-ce", version) == (
        ("docker-ce", version),
        ("docker-ce-cli", version),
        ("containerd.io", ""),
    )
    assert runtime_packages.wanted("docker.io", None) == (("docker.io", ""),)


@pytest.mark.parametrize("package", ["docker.io", "containerd", "moby-engine"])
def test_a_package_of_the_distribution_needs_no_repository(package: str) -> None:
    found = runtime_packages.repository(cluster(), package, PackageFormat.DEB, BOOKWORM)
    assert found is None


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        (
            {},
            "https://download.docker.com/linux/debian/ bookworm stable",
        ),
        (
            {"source": "aliyun"},
            "https://mirrors.aliyun.com/docker-ce/linux/debian/ bookworm stable",
        ),
        (
            {"runtime": {"repository": {"url": "https://m.example.org/docker"}}},
            "https://m.example.org/docker/debian/ bookworm stable",
        ),
    ],
)
def test_on_debian(spec: dict[str, Any], lines: str) -> None:
    made = cluster(**spec)
    found = runtime_packages.repository(made, "docker-ce", PackageFormat.DEB, BOOKWORM)
    assert found is not None
    _, source = DEBIAN.repository_files(found)
    assert source.path == "/etc/apt/sources.list.d/docker.list"
    assert lines in source.content
    assert found.key_url.endswith("/debian/gpg")
    assert bool(found.key_fingerprints) is not bool(made.spec.runtime.repository.url)


def test_on_rocky() -> None:
    found = runtime_packages.repository(cluster(), "containerd.io", PackageFormat.RPM, ROCKY)
    assert found is not None
    _, source = REDHAT.repository_files(found)
    base = "https://download.docker.com/linux/centos/$releasever/$basearch/stable/"
    assert f"baseurl={base}" in source.content
    assert found.key_url == "https://download.docker.com/linux/centos/gpg"


def test_a_system_that_docker_has_no_packages_for() -> None:
    system = SystemState("openEuler", "24.03", (), "")
    with pytest.raises(KubeinstallError, match="no packages for openEuler"):
        runtime_packages.repository(cluster(), "docker-ce", PackageFormat.RPM, system)
