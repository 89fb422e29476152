"""A host that is ready for kubeadm, seen by Testinfra over ssh."""

from __future__ import annotations

import pytest
from testinfra.host import Host


@pytest.mark.parametrize("name", ["kubeadm", "kubelet", "kubectl"])
def test_packages_are_held_at_the_version(host: Host, name: str) -> None:
    package = host.package(name)
    assert package.is_installed
    assert package.version.startswith("1.20.2-")
    assert name in host.check_output("apt-mark showhold").split()


def test_the_runtime_runs(host: Host) -> None:
    assert host.service("containerd").is_running
    assert host.service("containerd").is_enabled


def test_the_kernel_forwards_and_nothing_is_swapped(host: Host) -> None:
    assert host.sysctl("net.ipv4.ip_forward") == 1
    assert host.check_output("swapon --show") == ""


def test_there_is_no_cluster_yet(host: Host) -> None:
    assert not host.file("/etc/kubernetes/admin.conf").exists
