"""The cluster with a worker that is off, read from this machine, and taken down and made again."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

from tests.cluster.docker.lab import HOSTS, LAB, changed_hosts, nodes
from tests.running import REPO, kubeinstall, on_host

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", autouse=True)
def up() -> None:
    """The cluster, if this file is run on its own."""
    kubeinstall("up", "-y", "--no-smoke", "-i", LAB).ok()


def test_a_worker_that_is_off(tmp_path: Path) -> None:
    """The others finish; the exit code and the last lines say which host and why."""
    on_host(LAB, "w2", "systemctl stop ssh.socket ssh 2>/dev/null; systemctl mask --runtime ssh")
    on_host(LAB, "w1", "rm /etc/sysctl.d/*kubeinstall*")
    try:
        ran = kubeinstall("up", "-y", "-i", LAB, "--events", tmp_path / "e")
        assert ran.code == 11
        assert "Traceback" not in ran.text
        tail = "\n".join(ran.text.splitlines()[-25:])
        assert "w2" in tail
        assert "refused" in tail.lower()
        assert changed_hosts(tmp_path / "e") == {"w1"}
    finally:
        on_host(LAB, "w2", "systemctl unmask --runtime ssh; systemctl start ssh")
    kubeinstall("up", "-y", "-i", LAB).ok()


def test_kubeconfig_works_from_here(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeinstall("kubeconfig", "-i", LAB, "-o", path).ok()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "10.99.0.11:6443" in path.read_text()


def missing_images_are_named(tmp_path: Path) -> None:
    """On hosts that are no nodes: each host tells the first image that its registry has not."""
    document = yaml.safe_load(LAB.read_text())
    document["cluster"]["image_repository"] += "/nowhere"
    document["cluster"]["kubeadm"]["ignore_preflight_errors"].remove("ImagePull")
    path = tmp_path / "missing.yaml"
    path.write_text(yaml.safe_dump(document))
    ran = kubeinstall("up", "-y", "-i", path, "--only", "images")
    assert ran.code == 13, ran.text
    for image in ("kube-apiserver", "kube-proxy"):
        assert f"has no image 10.99.0.2:5000/nowhere/{image}:v1.20.2" in ran.text
    assert "coredns" not in ran.text
    assert "Traceback" not in ran.text


def test_reset_and_up_again_from_the_wheel(tmp_path: Path) -> None:
    """The wheel, in an environment without the checkout, resets and brings the cluster back."""
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*build, "-w", str(wheels), str(REPO)], check=True, timeout=300)
    venv.create(tmp_path / "env", with_pip=False, system_site_packages=False)
    site = next((tmp_path / "env").glob("lib/python*/site-packages"))
    # The locked dependencies come from this environment; kubeinstall itself from the wheel alone.
    here = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    (site / "locked.pth").write_text(f"{here}\n")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    wheel = next(wheels.glob("*.whl"))
    subprocess.run([*install, "--target", str(site), str(wheel)], check=True, timeout=300)
    program = (str(tmp_path / "env/bin/python"), "-m", "kubeinstall")
    inventory = tmp_path / "lab.yaml"
    inventory.write_text(LAB.read_text())

    def wheel_run(*arguments: str) -> str:
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        ran = kubeinstall(*arguments, "-i", inventory, program=program, cwd=tmp_path, env=env)
        return ran.ok().text

    wheel_run("reset", "-y")
    for host in HOSTS:
        left = on_host(
            LAB,
            host,
            "ls /etc/kubernetes/*.conf /var/lib/etcd/member 2>/dev/null; "
            "ip -o link show cni0 2>/dev/null; iptables-save | grep -c KUBE- ; true",
        )
        assert left.split() == ["0"], f"{host} is not clean after reset: {left}"
    ruleset = on_host(LAB, "w2", "nft list table inet filter")
    assert "kubeinstall" not in ruleset
    assert ruleset.count("policy drop") == 2
    missing_images_are_named(tmp_path)
    wheel_run("up", "-y")
    assert nodes() == {"cp1": True, "w1": True, "w2": True}
    assert "0 changed" in wheel_run("up", "-y")
