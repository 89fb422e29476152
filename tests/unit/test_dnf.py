"""RPM packages: dnf called only when it has something to do, keys known by their ids."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from kubeinstall import families
from kubeinstall.facts.dnf import RpmAvailable, RpmInstalled, RpmKey, RpmKeyImported, RpmPackages
from kubeinstall.facts.identity import SystemState
from kubeinstall.facts.packages import PackageState
from kubeinstall.files import packages as package_files
from kubeinstall.operations import dnf
from kubeinstall.releases.package_sources import PackageFormat
from tests.unit.clusters import cluster
from tests.unit.operating import commands, run, texts
from tests.unit.recorded import RECORDINGS

pytestmark = pytest.mark.unit

WANTED = (("kubelet", "1.36.2-*"), ("kubectl", "1.36.2-*"))
EVR = "1.36.2-150500.1.1"
HELD = {name: PackageState(EVR, held=True) for name, _ in WANTED}


def packages(*lines: str) -> dict[str, PackageState]:
    return RpmPackages().process(list(lines))


def test_what_rpm_says() -> None:
    lines = [
        f"package\t{EVR}\tkubelet\tkubelet kubelet(x86-64) ",
        "no package provides kubectl",
        "package\t1.8.10-4.el9\tiptables-nft\tiptables iptables-nft ",
        "package\t3:27.3.1-1.el9\tdocker-ce\tdocker-ce ",
        "junk",
    ]
    found = packages(*lines)
    assert found["kubelet"] == PackageState(EVR)
    assert found["iptables"] == PackageState("1.8.10-4.el9")
    assert found["docker-ce"].version == "3:27.3.1-1.el9"
    assert "kubectl" not in found


def test_a_package_goes_by_its_own_name_only() -> None:
    """containerd.io provides containerd too."""
    lines = ["package containerd is not installed", "package\tcontainerd.io", "junk", "package"]
    assert RpmInstalled().process(lines) == ("containerd.io",)


@pytest.mark.parametrize(
    ("lock", "held"),
    [
        ((f"list\tkubelet-0:{EVR}.*",), True),
        ((f"list\tkubelet-{EVR}.*",), True),
        ((f"list\t!kubelet-0:{EVR}.*",), False),
        (("list\tkubelet-0:1.36.1-150500.1.1.*",), False),
        ((f"list\tkubelet-common-0:{EVR}.*",), False),
        (('toml\tname = "kubelet"', 'toml\tkey = "evr"', f'toml\tvalue = "0:{EVR}"'), True),
        (("toml\tname = 'kubelet'", f"toml\tvalue = '{EVR}'"), True),
        (('toml\tname = "kubectl"', f'toml\tvalue = "{EVR}"'), False),
    ],
)
def test_a_package_is_held_by_a_lock_to_its_version(lock: tuple[str, ...], held: bool) -> None:
    found = packages(f"package\t{EVR}\tkubelet\tkubelet ", *lock)
    assert found["kubelet"].held is held


def test_what_the_repositories_have() -> None:
    lines = ["kubelet|1.36.1-150500.1.1", "", f"kubelet|0:{EVR}", "Last metadata expiration: x"]
    assert RpmAvailable().process(lines) == {"kubelet": ("1.36.1-150500.1.1", EVR)}


def test_all_there_and_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {RpmPackages: HELD}
    assert commands(monkeypatch, dnf.installed, facts, wanted=WANTED, held=True) == []


def test_all_there_but_one_not_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {RpmPackages: {**HELD, "kubectl": PackageState(EVR)}}
    (lock,) = texts(commands(monkeypatch, dnf.installed, facts, wanted=WANTED, held=True))
    assert "dnf-command(versionlock)" in lock
    assert "versionlock add kubelet kubectl" in lock


def test_a_known_version_needs_no_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {
        RpmPackages: {**HELD, "kubelet": PackageState("1.36.1-150500.1.1", held=True)},
        RpmAvailable: {"kubelet": ("1.36.1-150500.1.1", EVR)},
    }
    arguments = {"wanted": WANTED, "held": True, "repository": "kubernetes"}
    install, lock = texts(commands(monkeypatch, dnf.installed, facts, **arguments))
    assert "install --allowerasing 'kubelet-1.36.2-*'" in install
    assert "'kubectl-" not in install
    assert "--refresh" not in install
    assert "--setopt=disable_excludes=kubernetes" in install
    assert "versionlock delete kubelet" in install
    assert "versionlock add kubelet kubectl" in lock


def test_an_unknown_version_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    (install,) = texts(commands(monkeypatch, dnf.installed, {}, wanted=WANTED))
    assert install.count("--refresh install") == 1


def test_an_epoch_need_not_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {RpmPackages: {"docker-ce": PackageState("3:27.3.1-1.el9")}}
    for version in ("27.3.1-*", "3:27.3.1-1.el9", ""):
        wanted = (("docker-ce", version),)
        assert commands(monkeypatch, dnf.installed, facts, wanted=wanted) == []
    assert commands(monkeypatch, dnf.installed, facts, wanted=(("docker-ce", "2:27.3.1-*"),))


def test_packages_are_removed_locked_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("kubectl", "kubelet", "cri-tools")
    facts = {RpmPackages: {**HELD, "kubelet(x86-64)": PackageState(EVR)}}
    unlock, remove = texts(commands(monkeypatch, dnf.removed, facts, names=names))
    assert "versionlock delete kubectl kubelet" in unlock
    assert remove.endswith("remove kubectl kubelet")
    assert commands(monkeypatch, dnf.removed, {}, names=names) == []


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder with a stand-in for dnf, which fails to install; calls are noted in ``calls``."""
    program = tmp_path / "dnf"
    body = (
        f'echo "$@" >> {tmp_path}/calls; case $* in '
        "*repoquery*) printf 'kubelet|%s\\n' 1.36.0-1.1 1.36.1-1.1 ;; *install*) exit 1 ;; esac"
    )
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return tmp_path


def install(monkeypatch: pytest.MonkeyPatch, stand_in: Path, version: str) -> str:
    wanted = (("kubelet", version),)
    (script,) = texts(commands(monkeypatch, dnf.installed, {}, wanted=wanted))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(script, env={"PATH": f"{stand_in}:{os.environ['PATH']}"})
    assert caught.value.returncode == 100
    return str(caught.value.stderr)


@pytest.mark.parametrize("version", ["1.36.2-*", "1.36-*"])
def test_a_version_there_is_not(
    monkeypatch: pytest.MonkeyPatch, stand_in: Path, version: str
) -> None:
    told = install(monkeypatch, stand_in, version)
    assert f"package kubelet {version} is in none of this host's package sources" in told
    assert "they have: 1.36.1-1.1 1.36.0-1.1" in told


def test_what_fails_is_tried_once_more_with_fresh_metadata(
    monkeypatch: pytest.MonkeyPatch, stand_in: Path
) -> None:
    told = install(monkeypatch, stand_in, "1.36.1-*")
    assert "is in none" not in told
    calls = (stand_in / "calls").read_text().splitlines()
    verbs = [verb for call in calls for verb in call.split() if verb in ("install", "clean")]
    assert verbs == ["install", "clean", "install"]


# Made with: gpg --quick-generate-key test ed25519 sign never
KEY = (RECORDINGS / "key.asc").read_text()
KEY_ID = "96f8f19f"


def imported(*lines: str) -> RpmKey:
    encoded = base64.b64encode(KEY.encode()).decode()
    return RpmKeyImported().process(["written 1000", f"key {encoded}", *lines])


def test_a_file_that_holds_no_key() -> None:
    assert RpmKeyImported().process(["written 1000", "key eA=="]) == RpmKey()
    assert RpmKeyImported().process(["written 1000", "key"]) == RpmKey()


@pytest.mark.parametrize(
    ("known", "yes"),
    [
        (f"known {KEY_ID} 1000", True),
        (f"known {'0' * 32}{KEY_ID} 2000", True),
        (f"known {KEY_ID} 999", False),
        ("known 01234567 2000", False),
        ("package gpg-pubkey is not installed", False),
    ],
)
def test_rpm_has_read_a_key_since_it_was_written(known: str, yes: bool) -> None:
    assert imported(known) == RpmKey(yes, (KEY_ID,))


def test_a_renewed_key_takes_the_old_ones_place(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {RpmKeyImported: RpmKey(False, ("e0db31f0",))}
    (command,) = texts(commands(monkeypatch, dnf.key_imported, facts, path="/etc/pki/k"))
    assert command.index("rpm -e --allmatches gpg-pubkey-e0db31f0") < command.index("--import")
    facts = {RpmKeyImported: RpmKey(True, ("e0db31f0",))}
    assert commands(monkeypatch, dnf.key_imported, facts, path="/etc/pki/k") == []


def test_the_repository_as_the_official_page_has_it() -> None:
    rocky = families.of(SystemState("rocky", "9.4", ("rhel", "centos", "fedora")))
    repository = package_files.repository(cluster(version="1.36.2"), PackageFormat.RPM)
    key, source = rocky.repository_files(repository)
    assert key.path == "/etc/pki/rpm-gpg/RPM-GPG-KEY-kubernetes"
    assert source.path == "/etc/yum.repos.d/kubernetes.repo"
    assert source.content.splitlines()[1:] == [
        "[kubernetes]",
        "name=Kubernetes",
        "baseurl=https://pkgs.k8s.io/core:/stable:/v1.36/rpm/",
        "enabled=1",
        "gpgcheck=1",
        "repo_gpgcheck=1",
        "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-kubernetes",
        "exclude=kubelet kubeadm kubectl cri-tools kubernetes-cni",
    ]
