"""Names of images and versions of programs."""

from __future__ import annotations

import pytest

from kubeinstall.lab.mirror.names import ImageName, minor_in, parse_list, upstream_of, version_in
from kubeinstall.lab.mirror.programs import says_version

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("k8s.gcr.io/kube-apiserver:v1.20.2", "kube-apiserver:v1.20.2"),
        ("registry.k8s.io/coredns/coredns:v1.14.2", "coredns/coredns:v1.14.2"),
        ("mirror.lab:5000/pause:3.10", "pause:3.10"),
        ("localhost/demo:1", "demo:1"),
        ("flannel/flannel:v0.28.9", "flannel/flannel:v0.28.9"),
        ("busybox:1", "busybox:1"),
    ],
)
def test_a_name_loses_its_host_and_nothing_else(reference: str, name: str) -> None:
    assert str(ImageName.parse(reference)) == name


@pytest.mark.parametrize("reference", ["pause", "localhost:5000/pause", "a/b@sha256:12", ""])
def test_a_name_without_a_tag_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="not an image name"):
        ImageName.parse(reference)


def test_warnings_between_the_names_are_passed_over() -> None:
    printed = (
        "W1121 04:28 configset.go:348] WARNING: see https://k8s.io/docs: no version\n"
        "k8s.gcr.io/pause:3.2\n"
        "k8s.gcr.io/etcd:3.4.13-0\n"
    )
    assert [str(name) for name in parse_list(printed)] == ["pause:3.2", "etcd:3.4.13-0"]


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("1.20.5+really1.20.2-1.1+deb12u1", "1.20.2"),
        ("3.4.23-4+b4", "3.4.23"),
        ("1.1.1+ds1-3+b5", "1.1.1"),
        ("1:1.35.0-4+deb12u1+b1", "1.35.0"),
    ],
)
def test_upstream_of_a_debian_version(debian: str, upstream: str) -> None:
    assert upstream_of(debian) == upstream


def test_versions_are_found_in_what_programs_say() -> None:
    assert version_in("etcd Version: 3.6.8\nGit SHA: 1234\nGo Version: go1.24.1") == "3.6.8"
    assert minor_in("v1.36.0") == (1, 36)
    with pytest.raises(ValueError, match="no version"):
        version_in("latest")


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("Kubernetes v1.20.2", True),
        ('GitVersion:"v1.20.2", GitCommit:""', True),
        ("Kubernetes v1.20.21", False),
        ("Kubernetes v1.20.2-rc.1", False),
        ("Kubernetes v1.20.3", False),
    ],
)
def test_a_version_is_compared_to_its_end(said: str, fits: bool) -> None:
    assert says_version(said, "1.20.2") is fits
