"""Whole deploys for each system, by what it would answer: see ``recorded.py``."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from kubeinstall import families
from kubeinstall.deploys import hosts, runtime
from kubeinstall.deploys.kubernetes import packages
from kubeinstall.facts.identity import SystemState
from kubeinstall.files import packages as package_files
from kubeinstall.inventory.model import Cluster, RuntimeName
from tests.unit.clusters import cluster
from tests.unit.recorded import RECORDINGS, Answers, commands, recording

pytestmark = pytest.mark.unit

KEY = (RECORDINGS / "key.asc").read_text()


@dataclass(frozen=True)
class System:
    """What differs between systems, as far as a user sees it.

    Args:
        missing: of the tools that Kubernetes calls.
        containerd: the package to install.
        firewall: firewalld is at work, and SELinux enforces.
        chrony: is there already.
    """

    identity: str
    version: str
    missing: str
    containerd: str
    firewall: bool
    chrony: bool


_APT, _DNF = "conntrack ebtables", "conntrack-tools iproute-tc socat"
SYSTEMS = {
    "debian-12": System(
        "debian", "12", f"{_APT} ethtool iptables socat", "containerd", False, False
    ),
    "debian-13": System(
        "debian", "13", f"{_APT} ethtool iptables socat", "containerd", False, False
    ),
    "ubuntu-22.04": System("ubuntu", "22.04", f"{_APT} socat", "containerd", False, False),
    "ubuntu-24.04": System("ubuntu", "24.04", f"{_APT} socat", "containerd", False, False),
    "ubuntu-26.04": System("ubuntu", "26.04", f"{_APT} socat", "containerd", False, True),
    "rhel-9": System("rhel", "9.6", "conntrack-tools socat", "containerd.io", True, True),
    "rocky-8": System("rocky", "8.10", _DNF, "containerd.io", True, True),
    "rocky-9": System("rocky", "9.6", _DNF, "containerd.io", True, True),
    "almalinux-10": System("almalinux", "10.0", _DNF, "containerd.io", True, True),
    "centos-stream-10": System("centos", "10", _DNF, "containerd.io", True, True),
    "fedora-43": System("fedora", "43", "conntrack-tools socat", "containerd", True, True),
    "openeuler-24.03": System(
        "openEuler", "24.03", "conntrack-tools socat", "containerd", True, True
    ),
}


@pytest.fixture
def wanted(tmp_path: Path) -> Cluster:
    key = tmp_path / "key.asc"
    key.write_text(KEY)
    return cluster(version="1.36.2", packages={"key": key}, time={"servers": ["ntp.example.org"]})


def test_every_recording_is_used() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.txt")} == set(SYSTEMS)
    versions = {f"{s.identity} {s.version.split('.')[0]}" for s in SYSTEMS.values()}
    assert {version.split()[0] for version in versions} == set(families.SYSTEMS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_fresh_host_is_prepared(name: str, wanted: Cluster) -> None:
    system, ran = SYSTEMS[name], commands(recording(name), wanted, hosts.prepare)
    family = families.of(SystemState(system.identity))
    assert not any("apt-get install" in line or "dnf" in line for line in ran["Turn off swap"])
    assert bool(ran["Install chrony"]) is not system.chrony
    (conf,) = [line for line in ran["Configure the time servers"] if "mktemp" in line]
    assert conf.endswith(f' && mv -fT "$tmp" {family.chrony.conf}')
    assert bool(ran.get("Write /etc/firewalld/zones/kubeinstall.xml")) is system.firewall
    assert bool(ran.get("Install container-selinux")) is system.firewall
    assert any("net/ipv4/ip_forward" in line for line in ran["Apply kernel settings"])
    if not system.chrony:
        assert "systemd-timesyncd.service" in "\n".join(ran["Turn off other time services"])
    started = "\n".join(ran["Run chrony"])
    assert system.chrony or f"start {family.chrony.unit}" in started


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_runtime_is_installed(name: str, wanted: Cluster) -> None:
    system, ran = SYSTEMS[name], commands(recording(name), wanted, runtime.install)
    lines = ran[f"Install {system.containerd}"]
    assert any(re.search(rf"install .*\b{system.containerd}( |$)", line, re.M) for line in lines)
    assert any("start containerd.service" in line for line in ran["Run containerd"])


@pytest.mark.parametrize("name", SYSTEMS)
def test_packages_that_exclude_the_runtimes_are_told(name: str, wanted: Cluster) -> None:
    family = families.of(SystemState(SYSTEMS[name].identity))
    package = family.runtime_package(RuntimeName.DOCKER)
    docker = cluster(
        version="1.23.17", runtime={"name": "docker"}, packages={"key": wanted.spec.packages.key}
    )
    there = {
        re.compile("rpm -q --qf .* podman-docker "): "package\tpodman-docker",
        re.compile("dpkg-query -W .* podman-docker "): "podman-docker 1 install installed",
    }
    ran = commands({**there, **recording(name)}, docker, runtime.install)
    title = f"Replace podman-docker with {package}"
    [command] = [line for line in ran[title] if " install " in line]
    if family.name == "debian":
        assert re.search(rf"install .*{package} podman-docker-$", command, re.M)
    else:
        assert f"install --allowerasing {package}" in command


@pytest.mark.parametrize("name", SYSTEMS)
def test_kubernetes_is_installed_and_kept(name: str, wanted: Cluster) -> None:
    system, ran = SYSTEMS[name], commands(recording(name), wanted, packages.install)
    text = "\n".join(line for lines in ran.values() for line in lines)
    tools = "\n".join(ran["Install Kubernetes' dependencies"])
    install, hold = ran["Install kubelet, kubeadm and kubectl 1.36.2"][-2:]
    names = "kubelet kubeadm kubectl"
    if families.of(SystemState(system.identity)).name == "debian":
        assert re.search(rf"install .* {system.missing}$", tools, re.M)
        assert "/etc/apt/sources.list.d/kubernetes.list" in text
        assert "'kubelet=1.36.2-*' 'kubeadm=1.36.2-*' 'kubectl=1.36.2-*'" in install
        assert hold == f"apt-mark hold {names} >/dev/null"
        assert "dnf" not in text
    else:
        assert f"install --allowerasing {system.missing} &&" in tools
        assert "rpm --import /etc/pki/rpm-gpg/RPM-GPG-KEY-kubernetes" in text
        assert "/etc/yum.repos.d/kubernetes.repo" in text
        assert "'kubelet-1.36.2-*' 'kubeadm-1.36.2-*' 'kubectl-1.36.2-*'" in install
        assert hold.endswith(f"versionlock add {names} >/dev/null")
        assert "apt-" not in text


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_downloads_files_comes_from_the_hosts_own_source(name: str) -> None:
    family = families.of(SystemState(SYSTEMS[name].identity))
    archive = {"url": "https://mirror.example.org/containerd.tar.gz", "sha256": "a" * 64}
    wanted = cluster(version="1.36.2", runtime={"archive": archive})
    ran = commands(recording(name), wanted, runtime.install)
    [command] = [line for line in ran["Install download tools"] if " install " in line]
    assert ("apt-get" if family.name == "debian" else "dnf") in command
    assert re.search(r"install .*\bcurl\b", command)
    fetch = "\n".join(ran["Install containerd from its archive"])
    assert "curl -fsSL" in fetch
    assert "apt-get" not in fetch


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_there_and_kept_is_left_alone(name: str, wanted: Cluster) -> None:
    family = families.of(SystemState(SYSTEMS[name].identity))
    answers = {**converged(wanted, family), **recording(name)}
    ran = commands(answers, wanted, packages.install)
    assert {title: lines for title, lines in ran.items() if lines} == {}


def converged(wanted: Cluster, family: families.Family) -> Answers:
    """What is answered beside a fresh host's answers once all is installed."""
    answers = {
        rf"base64 -w0 {re.escape(file.path)}": f"644\nno\n{_encoded(file.content)}"
        for file in package_files.files(wanted, family)
    }
    version = "1.36.2-150500.1.1"
    rows = [f"package\t{version}\t{name}\t{name}" for name in package_files.PACKAGES]
    rows += [f"package\t1\t{tool}\t{tool}" for tool in family.tools]
    locks = [f"list\t{name}-0:{version}.*" for name in package_files.PACKAGES]
    debs = [f"{name} 1.36.2-1.1 hold installed" for name in package_files.PACKAGES]
    debs += [f"{tool} 1 install installed" for tool in family.tools]
    key = f"written 1000\nkey {_encoded(KEY)}\nknown 96f8f19f 1000"
    answers |= {
        "rpm -q gpg-pubkey": key,
        "rpm -q --whatprovides .*(conntrack-tools|kubelet)": "\n".join([*rows, *locks]),
        "dpkg-query -W .* (conntrack|kubelet) ": "\n".join(debs),
        "systemctl show kubelet.service": "LoadState=loaded\nUnitFileState=enabled",
    }
    # The key's own question has its path too: it is the more special one.
    return {re.compile(pattern): answers[pattern] for pattern in sorted(answers, reverse=True)}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
