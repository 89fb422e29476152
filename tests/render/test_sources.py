"""What each source gives a host: package sources, keys, image names; whole, as golden copies.

After a wanted change: ``pytest tests/render --update-golden``, and read the difference.
"""

from __future__ import annotations

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


def given(of: Cluster) -> str:
    """All that hangs on the source, as YAML."""
    kubeadm = kubeadm_files.cluster_configuration(of)
    repositories = {one: package_files.repository(of, one) for one in PackageFormat}
    *_, apt = DEBIAN.repository_files(repositories[PackageFormat.DEB])
    *_, dnf = REDHAT.repository_files(repositories[PackageFormat.RPM])
    told: dict[str, Any] = {
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
    return yaml.safe_dump(told, sort_keys=False, width=200)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("version", ["1.24.17", "1.37.1"])
def test_golden(name: str, version: str, request: pytest.FixtureRequest) -> None:
    text = given(cluster(version=version, **CASES[name]))
    path = GOLDEN / f"{name}-{version}.yaml"
    if request.config.getoption("--update-golden", False):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem.rpartition("-")[0] for path in GOLDEN.iterdir()} == set(CASES)
