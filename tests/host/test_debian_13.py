"""The host side of a cluster on Debian 13: changed once, then left in peace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.labs import fresh
from tests.running import kubeinstall, on_host

pytestmark = [pytest.mark.host, pytest.mark.timeout(900)]

NAME, NETWORK = "test-debian-13", "10.89.15"
STATE = f"/var/lib/kubeinstall/lab/{NAME}"


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab of one host and a mirror."""
    path = tmp_path_factory.mktemp("lab") / "inventory.yaml"
    document = {
        "cluster": {
            "name": NAME,
            "kubernetes": "1.20.2",
            "runtime": {"name": "containerd"},
            "image_repository": f"{NETWORK}.2:5000",
            "packages": {"url": f"http://{NETWORK}.2", "key": f"{STATE}/mirror.asc"},
            "time": {"servers": [f"{NETWORK}.2"]},
            "kubeadm": {"ignore_preflight_errors": ["NumCPU", "Mem"]},
        },
        "defaults": {"ssh": {"key": f"{STATE}/id_ed25519", "known_hosts": f"{STATE}/known_hosts"}},
        "groups": {"control_plane": {"taints": [], "hosts": {"h1": {"address": f"{NETWORK}.11"}}}},
        "lab": {"subnet": f"{NETWORK}.0/24", "mirror": f"{NETWORK}.2", "suite": "trixie"},
    }
    path.write_text(yaml.safe_dump(document))
    with fresh(path):
        yield path


def test_up_until_packages(inventory: Path) -> None:
    assert 'VERSION_ID="13"' in on_host(inventory, "h1", "cat /etc/os-release")
    first = kubeinstall("up", "-y", "-i", inventory, "--until", "packages").ok()
    assert "kubeinstall does not support" not in first.text
    again = kubeinstall("up", "-y", "-i", inventory, "--until", "packages").ok()
    assert "1 host: 0 changed" in again.text
    said = on_host(inventory, "h1", "kubelet --version; apt-mark showhold; containerd --version")
    assert {"v1.20.2", "kubelet", "kubeadm", "kubectl"} <= set(said.split())
    assert "SystemdCgroup = true" in on_host(inventory, "h1", "containerd config dump")
