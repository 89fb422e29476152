"""The mirror's packages, next to what the official ones have."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeinstall.lab.mirror.debs import Package
from kubeinstall.lab.mirror.model import repository_path
from kubeinstall.lab.mirror.packages import packages
from kubeinstall.lab.mirror.programs import Programs
from kubeinstall.lab.mirror.repository import valid_key

pytestmark = pytest.mark.unit


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Package]:
    (tmp_path / "cni").mkdir()
    (tmp_path / "cni" / "bridge").touch()
    found = packages(Programs(tmp_path, "1.20.2"), tmp_path / "cni", "1.1.1")
    return {package.name: package for package in found}


def test_control_names_the_version_as_the_official_packages_do(made: dict[str, Package]) -> None:
    lines = made["kubelet"].control("amd64").splitlines()
    assert lines[:3] == ["Package: kubelet", "Version: 1.20.2-1.1", "Architecture: amd64"]
    assert any(line.startswith("Depends: ") and "kubernetes-cni" in line for line in lines)


def test_a_package_that_needs_nothing_says_nothing_of_it(made: dict[str, Package]) -> None:
    assert "Depends" not in made["kubectl"].control("amd64")


def test_the_kubelet_brings_its_unit_and_kubeadm_the_drop_in(made: dict[str, Package]) -> None:
    assert "lib/systemd/system/kubelet.service" in made["kubelet"].texts
    (drop_in,) = made["kubeadm"].texts.values()
    last = drop_in.strip().splitlines()[-2:]
    assert last == [
        "ExecStart=",
        "ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS "
        "$KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS",
    ]


def test_the_users_kubelet_arguments_survive_an_upgrade(made: dict[str, Package]) -> None:
    assert made["kubelet"].configuration == ("/etc/default/kubelet",)


def test_plugins_go_where_every_runtime_looks(made: dict[str, Package]) -> None:
    assert list(made["kubernetes-cni"].programs) == ["opt/cni/bin/bridge"]


def test_without_crictl_nothing_depends_on_it(made: dict[str, Package]) -> None:
    assert "cri-tools" not in made
    assert "cri-tools" not in made["kubeadm"].depends


def test_the_repository_is_laid_out_by_minor() -> None:
    assert repository_path("1.20.2") == "core:/stable:/v1.20/deb"


def test_a_key_about_to_expire_is_not_used() -> None:
    listed = (
        "sec:u:3072:1:AAAA:1000:2000:::::::\nfpr:::::::::OLD:\n"
        "sec:u:3072:1:BBBB:1000:9000:::::::\nfpr:::::::::GOOD:\n"
        "sec:r:3072:1:CCCC:1000:9999:::::::\nfpr:::::::::REVOKED:\n"
    )
    assert valid_key(listed, 5000) == "GOOD"
    assert valid_key(listed, 9500) == ""
