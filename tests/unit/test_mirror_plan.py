"""What each image of a mirror is made from."""

from __future__ import annotations

import pytest

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.names import ImageName, parse_list
from kubeinstall.lab.mirror.plan import Material, debian_etcd_fits, plan
from kubeinstall.lab.mirror.programs import REQUIRED

pytestmark = pytest.mark.unit

OLD = parse_list(
    "k8s.gcr.io/kube-apiserver:v1.20.2\nk8s.gcr.io/kube-controller-manager:v1.20.2\n"
    "k8s.gcr.io/kube-scheduler:v1.20.2\nk8s.gcr.io/kube-proxy:v1.20.2\n"
    "k8s.gcr.io/pause:3.2\nk8s.gcr.io/etcd:3.4.13-0\nk8s.gcr.io/coredns:1.7.0\n"
)
NEW = parse_list(
    "registry.k8s.io/coredns/coredns:v1.14.2\nmirror.invalid/coredns:v1.14.2\n"
    "registry.k8s.io/pause:3.10.2\nregistry.k8s.io/etcd:3.6.8-0\n"
)


def material(*more: str, archived: tuple[ImageName, ...] = (), folder_etcd: str = "") -> Material:
    return Material(
        folder=frozenset((*REQUIRED, *more)),
        archived=frozenset(archived),
        debian_etcd="3.4.23",
        folder_etcd=folder_etcd,
    )


def origins(asked: tuple[ImageName, ...], there: Material) -> dict[str, str]:
    return {item.program: item.origin for item in plan(asked, there)}


def test_the_old_release_needs_nothing_but_debian() -> None:
    assert origins(OLD, material()) == {
        "kube-apiserver": "folder",
        "kube-controller-manager": "folder",
        "kube-scheduler": "folder",
        "kube-proxy": "folder",
        "pause": "compiled",
        "etcd": "debian",
        "coredns": "nowhere",
    }


def test_coredns_is_one_image_with_two_names() -> None:
    there = material("coredns", "etcd", folder_etcd="3.6.8")
    coredns = plan(NEW, there)[0]
    assert coredns.origin == "folder"
    assert [str(name) for name in coredns.names] == ["coredns/coredns:v1.14.2", "coredns:v1.14.2"]


def test_an_archive_comes_before_a_program() -> None:
    there = material("pause", archived=(ImageName.parse("pause:3.2"),))
    assert origins(OLD, there)["pause"] == "archive"


def test_an_archive_of_another_tag_is_no_help() -> None:
    there = material(archived=(ImageName.parse("coredns:1.8.0"),))
    assert origins(OLD, there)["coredns"] == "nowhere"


def test_a_new_release_refuses_debians_etcd() -> None:
    with pytest.raises(MirrorError, match=r"etcd:3\.6\.8-0") as caught:
        plan(NEW, material())
    assert "3.4.23" in caught.value.why
    assert "at least 3.6" in caught.value.next


def test_an_etcd_too_old_in_the_folder_is_refused() -> None:
    with pytest.raises(MirrorError) as caught:
        plan(NEW, material("etcd", folder_etcd="3.5.21"))
    assert "3.5.21" in caught.value.why


def test_an_etcd_archive_is_enough_for_a_new_release() -> None:
    there = material(archived=(ImageName.parse("etcd:3.6.8-0"),))
    assert origins(NEW, there)["etcd"] == "archive"


@pytest.mark.parametrize(
    ("tag", "debian", "fits"),
    [
        ("3.4.13-0", "3.4.23", True),
        ("3.5.16-0", "3.4.23", True),
        ("3.5.16-0", "3.3.25", False),
        ("3.6.8-0", "3.4.23", False),
        ("3.6.8-0", "3.5.16", False),
        ("3.6.8-0", "3.6.1", True),
    ],
)
def test_whether_debians_etcd_fits(tag: str, debian: str, fits: bool) -> None:
    assert debian_etcd_fits(tag, debian) is fits
