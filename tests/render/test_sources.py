"""What each source gives a host: package sources, keys, image names; whole, as golden copies.

After a wanted change: ``pytest tests/render --update-golden``, and read the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.families.debian import DEBIAN
from kubeinstall.families.redhat import REDHAT
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files import packages as package_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.releases.images import sandbox_image
from kubeinstall.releases.package_sources import SOURCES, PackageFormat
from tests.unit.clusters import cluster

pytestmark = pytest.mark.render

GOLDEN = Path(__file__).parent / "golden" / "sources"
VERSIONS = ("1.24.17", "1.37.1")
CASES: dict[str, dict[str, Any]] = {
    **{name.value: {"source": name.value} for name in SOURCES},
    "own-url": {"packages": {"url": "https://packages.example.org/k8s"}},
    "own-archive": {"packages": {"archive": {"file": "kubernetes.tar", "sha256": "0a" * 32}}},
    "own-images-flat": {"source": "tuna", "image_repository": "registry.example.org/k8s"},
    "own-images-nested": {
        "source": "aliyun",
        "image_repository": "registry.example.org/k8s",
        "image_layout": "nested",
    },
}


def given(of: Cluster) -> dict[str, Any]:
    """All that depends on the source."""
    kubeadm = kubeadm_files.cluster_configuration(of)
    repositories = {one: package_files.repository(of, one) for one in PackageFormat}
    *_, apt = DEBIAN.repository_files(repositories[PackageFormat.DEB])
    *_, dnf = REDHAT.repository_files(repositories[PackageFormat.RPM])
    return {
        "packages": {
            one.value: {
                "url": repository.url,
                "key": repository.key_url,
            }
            for one, repository in repositories.items()
        },
        "docker packages": {
            system: of.origin.docker_packages(system) for system in ("debian", "rhel")
        },
        apt.path: apt.content.splitlines(),
        dnf.path: dnf.content.splitlines(),
        "sandbox image": sandbox_image(of.version, of.image_repository),
        "kubeadm": {key: kubeadm[key] for key in ("imageRepository", "dns") if key in kubeadm},
    }


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, as_golden: Callable[[Path, str], None]) -> None:
    told = {version: given(cluster(version=version, **CASES[name])) for version in VERSIONS}
    as_golden(GOLDEN / f"{name}.yaml", yaml.safe_dump(told, sort_keys=False, width=200))


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.yaml" for name in CASES}
