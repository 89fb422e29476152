"""What each Kubernetes minor needs."""

from __future__ import annotations

import pytest

from kubeinstall.releases import DEFAULT, NEWEST, OLDEST, Version, release
from kubeinstall.releases.images import ImageLayout, dns_repository, flat_works, image_layout

pytestmark = pytest.mark.unit

FLAT, NESTED = ImageLayout.FLAT, ImageLayout.NESTED


@pytest.mark.parametrize("text", ["1.36.2", "v1.36.2", " 1.36.2\n"])
def test_version(text: str) -> None:
    version = Version.parse(text)
    assert version == Version(1, 36, 2)
    assert (str(version), version.minor_name) == ("1.36.2", "1.36")


@pytest.mark.parametrize("text", ["1.36", "1.36.2-rc.1", "latest", "", "1.36.2.1"])
def test_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="not an exact version"):
        Version.parse(text)


def test_versions_are_ordered_by_number() -> None:
    assert Version.parse("1.9.10") < Version.parse("1.10.2") < Version.parse("1.10.10")


@pytest.mark.parametrize(
    ("minor", "api", "list_args", "dockershim", "cri_v1", "registry", "taints"),
    [
        (20, "v1beta2", False, True, False, "k8s.gcr.io", ("master",)),
        (21, "v1beta2", False, True, False, "k8s.gcr.io", ("master",)),
        (22, "v1beta3", False, True, False, "k8s.gcr.io", ("master",)),
        (23, "v1beta3", False, True, True, "k8s.gcr.io", ("master",)),
        (24, "v1beta3", False, False, True, "k8s.gcr.io", ("master", "control-plane")),
        (25, "v1beta3", False, False, True, "registry.k8s.io", ("control-plane",)),
        (30, "v1beta3", False, False, True, "registry.k8s.io", ("control-plane",)),
        (31, "v1beta4", True, False, True, "registry.k8s.io", ("control-plane",)),
        (37, "v1beta4", True, False, True, "registry.k8s.io", ("control-plane",)),
    ],
)
def test_minors(
    minor: int,
    api: str,
    list_args: bool,
    dockershim: bool,
    cri_v1: bool,
    registry: str,
    taints: tuple[str, ...],
) -> None:
    found = release(Version(1, minor, 0))
    assert found.kubeadm_api == f"kubeadm.k8s.io/{api}"
    assert found.list_args is list_args
    assert found.dockershim is dockershim
    assert found.cri_v1 is cri_v1
    assert found.image_repository == registry
    assert found.control_plane_taints == tuple(f"node-role.kubernetes.io/{t}" for t in taints)
    assert found.control_plane_label == "node-role.kubernetes.io/control-plane"


@pytest.mark.parametrize("version", [Version(1, OLDEST[1] - 1, 9), Version(1, NEWEST[1] + 1, 0)])
def test_unknown_minors(version: Version) -> None:
    with pytest.raises(ValueError, match=r"1\.20 to 1\.37"):
        release(version)


def test_the_default_is_known() -> None:
    assert release(DEFAULT).version == DEFAULT


@pytest.mark.parametrize(
    ("version", "repository", "layout", "told"),
    [
        ("1.36.2", "registry.k8s.io", NESTED, None),
        ("1.36.2", "registry.aliyuncs.com/google_containers", FLAT, None),
        ("1.36.2", "registry.example.org", NESTED, "registry.example.org/coredns"),
        ("1.24.17", "registry.k8s.io", NESTED, "registry.k8s.io/coredns"),
        ("1.24.17", "k8s.gcr.io", NESTED, "k8s.gcr.io/coredns"),
        ("1.21.2", "registry.example.org", NESTED, "registry.example.org/coredns"),
        ("1.21.1", "registry.example.org", NESTED, None),
        ("1.20.15", "registry.example.org", NESTED, None),
    ],
)
def test_what_kubeadm_is_told_of_coredns(
    version: str, repository: str, layout: ImageLayout, told: str | None
) -> None:
    assert dns_repository(Version.parse(version), repository, layout) == told


def test_only_two_versions_cannot_take_coredns_from_a_flat_repository() -> None:
    versions = ("1.20.15", "1.21.0", "1.21.1", "1.21.2", "1.36.2")
    assert [flat_works(Version.parse(v)) for v in versions] == [True, False, False, True, True]


def test_kubeadms_own_repositories_are_nested() -> None:
    found = {
        name: image_layout(name) for name in ("k8s.gcr.io", "registry.k8s.io", "10.0.0.2:5000")
    }
    assert list(found.values()) == [NESTED, NESTED, FLAT]
