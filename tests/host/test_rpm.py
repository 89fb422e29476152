"""The phase packages on a host with dnf: Debian's own dnf and rpm, told that they are Rocky's.

The tests run in order on one host, against a repository signed as the official one is.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import tarfile
import threading
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.engine.session import Session
from kubeinstall.inventory.load import load
from kubeinstall.lab import mirror, rpms
from kubeinstall.lab.mirror.apt import architecture
from kubeinstall.lab.mirror.packages import KUBELET_SERVICE
from kubeinstall.lab.rpms import Rpm, index
from kubeinstall.phases.phase import Run
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from kubeinstall.run.selection import pick
from tests.host.lone import Lone, lone_host
from tests.running import kubeinstall
from tests.unit.played_session import Memory

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

NETWORK = "10.89.14"
NAMES = ("kubelet", "kubeadm", "kubectl")
INSTALL = "Install kubelet, kubeadm and kubectl"
ROCKY = 'ID="rocky"\\nVERSION_ID="9.4"\\nID_LIKE="rhel centos fedora"\\nVERSION_CODENAME=""\\n'
PRESENT = (
    *("/bin/sh", "ca-certificates", "glibc = 2.36", "iproute", "util-linux"),
    *(
        "conntrack",
        "conntrack-tools",
        "ebtables",
        "ethtool",
        "iproute-tc",
        "iptables = 1.8",
        "socat",
    ),
)
BASE = "[base]\\nname=base\\nbaseurl=http://%s/base/\\ngpgcheck=0\\n"


class Repository:
    """A signed repository in a folder.

    Args:
        folder: where packages and index are.
        home: GNUPGHOME of its key.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self._home = home

    def add(
        self,
        name: str,
        version: str,
        provides: tuple[str, ...] = (),
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Make a package with nothing much in it."""
        scratch = self._home.parent / "scratch"
        for path, text in {f"usr/share/{name}/version": version, **(texts or {})}.items():
            file = scratch / "root" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        rpm = Rpm(name, version, "nothing much", scratch / "root", provides=provides)
        rpm.build(scratch, self.folder, architecture())
        shutil.rmtree(scratch)

    def kubernetes(self, version: str) -> None:
        unit = {"usr/lib/systemd/system/kubelet.service": KUBELET_SERVICE}
        for name in NAMES:
            self.add(name, version, texts=unit if name == "kubelet" else {})

    def index(self) -> None:
        index(self.folder, self._home)


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-rpm", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        lone.sh(
            "export DEBIAN_FRONTEND=noninteractive; apt-get update -q >/dev/null;"
            "apt-get install -yq --no-install-recommends dnf dnf-plugins-core rpm >/dev/null 2>&1;"
            "echo 9 > /etc/dnf/vars/releasever;"
            # Rocky has no repository of local packages.
            "sed -i 's/^enabled.*/enabled=0/' /etc/dnf/plugins/local.conf;"
            f"rm /etc/os-release; printf '{ROCKY}' > /etc/os-release"
        )
        yield lone


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    top = tmp_path_factory.mktemp("repositories")
    repository = Repository(top / "served/core:/stable:/v1.20/rpm", top / "gnupg")
    repository.kubernetes("1.20.0")
    repository.kubernetes("1.20.1")
    repository.index()
    base = Repository(top / "served/base", top / "gnupg")
    # All that rpm would know of on a host that has been installed with it.
    base.add("tools", "1.0", provides=PRESENT)
    base.index()
    return repository


@pytest.fixture(scope="module")
def source(h1: Lone, kubernetes: Repository) -> Iterator[dict[str, Any]]:
    """The inventory's settings for the repository, served from this machine."""
    top = kubernetes.folder.parents[3]
    handler = functools.partial(SimpleHTTPRequestHandler, directory=top)
    server = ThreadingHTTPServer((f"{NETWORK}.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = f"{NETWORK}.1:{server.server_port}"
    h1.sh(f"mkdir -p /etc/yum.repos.d; printf '{BASE % at}' > /etc/yum.repos.d/base.repo")
    key = kubernetes.folder / "repodata/repomd.xml.key"
    shutil.copy(key, top / "key.asc")
    yield {"kubernetes": "1.20.1", "packages": {"url": f"http://{at}", "key": f"{top}/key.asc"}}
    server.shutdown()


@pytest.fixture(scope="module")
def lab_mirror(source: dict[str, Any], kubernetes: Repository) -> dict[str, Any]:
    """The settings for the rpm repository that labs get."""
    tree = mirror.from_debian_source(print)
    rpms.ensure(tree, print)
    (kubernetes.folder.parents[3] / "lab").symlink_to(tree.apt)
    url = f"{source['packages']['url']}/lab"
    key = tree.apt / tree.repository / "Release.key"
    return {"kubernetes": tree.kubernetes, "packages": {"url": url, "key": str(key)}}


def versions(h1: Lone) -> list[str]:
    return h1.sh(f"rpm -q --qf '%{{VERSION}} ' {' '.join(NAMES)}").split()


def test_the_exact_version_is_installed(h1: Lone, source: dict[str, Any]) -> None:
    assert f"{INSTALL} 1.20.1" in h1.changed("packages", **source)
    assert versions(h1) == ["1.20.1"] * 3
    assert h1.sh("systemctl is-enabled kubelet").strip() == "enabled"
    assert h1.changed("packages", **source) == []


def test_a_host_that_is_as_it_should_be_costs_one_round_trip(
    h1: Lone, source: dict[str, Any]
) -> None:
    registry = source["packages"]["url"].partition("//")[2]
    cluster = load(h1.inventory(**source, image_repository=registry))
    with Session(cluster) as session:
        memory = Memory()
        phases = pick(PHASES, only=("preflight", "packages"))
        assert execute(Run(cluster, session, memory, dry=True), phases) == 0, memory.errors
        assert session.trips == {"h1": 1}


def test_the_repository_is_checked_and_left_alone_by_others(h1: Lone) -> None:
    lines = h1.sh("cat /etc/yum.repos.d/kubernetes.repo").splitlines()
    assert {"gpgcheck=1", "repo_gpgcheck=1"} <= set(lines)
    assert "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-kubernetes" in lines
    assert "exclude=kubelet kubeadm kubectl cri-tools kubernetes-cni" in lines
    assert h1.sh("rpm -q gpg-pubkey").count("gpg-pubkey") == 1
    locks = h1.sh("dnf -q --disablerepo='*' versionlock list").split()
    assert sorted(locks) == [f"{name}-0:1.20.1-150500.1.1.*" for name in sorted(NAMES)]


def test_verify_reads_versions_and_locks(h1: Lone, source: dict[str, Any]) -> None:
    # There is no cluster yet, so other checks fail.
    told = kubeinstall("verify", "-i", h1.inventory(**source)).text.splitlines()
    passed = [line.strip() for line in told if line.startswith("  ok ")]
    assert "ok      kubelet, kubeadm and kubectl have the inventory's version" in passed
    assert any(line.startswith("ok      kubelet, kubeadm and kubectl are held") for line in passed)


def test_nothing_upgrades_by_surprise(
    h1: Lone, kubernetes: Repository, source: dict[str, Any]
) -> None:
    kubernetes.kubernetes("1.20.2")
    kubernetes.index()
    h1.sh("dnf -y --refresh upgrade; dnf -y upgrade --setopt=disable_excludes=kubernetes")
    assert versions(h1) == ["1.20.1"] * 3
    assert h1.changed("packages", **source) == []


@pytest.mark.parametrize("version", ["1.20.2", "1.20.0"])
def test_what_was_changed_by_hand_is_named_and_put_back(
    h1: Lone, source: dict[str, Any], version: str
) -> None:
    option = "--disableplugin=versionlock --setopt=disable_excludes=kubernetes"
    h1.sh(f"dnf -y {option} install kubelet-{version}")
    assert versions(h1)[0] == version
    plan = kubeinstall("plan", "-i", h1.inventory(**source), "--only", "packages")
    assert plan.code == 2, plan.text
    assert f"{INSTALL} 1.20.1" in plan.text
    assert h1.changed("packages", **source) == [f"{INSTALL} 1.20.1"]
    assert versions(h1) == ["1.20.1"] * 3
    assert h1.changed("packages", **source) == []


def test_a_lock_that_was_lost_is_put_back(h1: Lone, source: dict[str, Any]) -> None:
    h1.sh("dnf -q --disablerepo='*' versionlock delete kubelet")
    assert h1.changed("packages", **source) == [f"{INSTALL} 1.20.1"]
    assert "kubelet-0:1.20.1-" in h1.sh("dnf -q --disablerepo='*' versionlock list")


def test_another_version_is_installed_and_locked(h1: Lone, source: dict[str, Any]) -> None:
    newer = {**source, "kubernetes": "1.20.2"}
    assert h1.changed("packages", **newer) == [f"{INSTALL} 1.20.2"]
    assert versions(h1) == ["1.20.2"] * 3
    assert h1.changed("packages", **newer) == []


def test_a_version_there_is_not(h1: Lone, source: dict[str, Any]) -> None:
    ran, _ = h1.up("packages", **{**source, "kubernetes": "1.20.9"})
    assert ran.code == 13, ran.text
    assert "package kubelet 1.20.9-* is in none of this host's package sources" in ran.text
    assert "they have: 1.20.2-150500.1.1 1.20.1-150500.1.1 1.20.0-150500.1.1" in ran.text
    assert versions(h1) == ["1.20.2"] * 3
    # dnf had to unlock them for the attempt.
    locks = h1.sh("dnf -q --disablerepo='*' versionlock list").split()
    assert sorted(locks) == [f"{name}-0:1.20.2-150500.1.1.*" for name in sorted(NAMES)]


def test_a_broken_cache_is_made_anew(h1: Lone, source: dict[str, Any]) -> None:
    h1.sh(
        "for f in /var/cache/dnf/kubernetes-*/repodata/*primary*; do echo x > $f; done;"
        "rm -f /var/cache/dnf/*.solv*; rpm -e kubectl kubeadm"
    )
    assert h1.changed("packages", **{**source, "kubernetes": "1.20.2"})
    assert versions(h1) == ["1.20.2"] * 3


def test_a_renewed_key_is_taken_over(h1: Lone, source: dict[str, Any]) -> None:
    h1.sh("sleep 1; touch /etc/pki/rpm-gpg/RPM-GPG-KEY-kubernetes")
    newer = {**source, "kubernetes": "1.20.2"}
    assert h1.changed("packages", **newer) == ["Import the signing key of Kubernetes"]
    assert h1.sh("rpm -q gpg-pubkey").count("gpg-pubkey") == 1
    assert h1.changed("packages", **newer) == []


def test_packages_signed_by_another_key_are_refused(
    h1: Lone, kubernetes: Repository, source: dict[str, Any], tmp_path: Path
) -> None:
    kubernetes.kubernetes("1.20.3")
    index(kubernetes.folder, tmp_path / "gnupg")
    ran, _ = h1.up("packages", **{**source, "kubernetes": "1.20.3"})
    assert ran.code == 13, ran.text
    assert "dnf does not trust the package source: repomd.xml GPG signature" in ran.text
    assert "Traceback" not in ran.text
    assert versions(h1) == ["1.20.2"] * 3


def test_reset_takes_packages_and_source_away(h1: Lone, source: dict[str, Any]) -> None:
    kubeinstall("reset", "-y", "--packages", "-i", h1.inventory(**source)).ok()
    assert h1.sh("rpm -qa kubelet kubeadm kubectl") == ""
    assert "kube" not in h1.sh("dnf -q --disablerepo='*' versionlock list")
    assert "kubernetes" not in h1.sh("ls /etc/yum.repos.d /etc/pki/rpm-gpg")


def test_an_archive_in_place_of_the_source(
    h1: Lone, kubernetes: Repository, tmp_path: Path
) -> None:
    """A tar of packages and their index, which nobody signed; its checksum vouches for them."""
    archive = tmp_path / "kubernetes.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(kubernetes.folder, "kubernetes")
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    packages = {"archive": {"file": str(archive), "sha256": checksum}}
    changed = h1.changed("packages", kubernetes="1.20.1", packages=packages)
    assert changed[:2] == [
        "Unpack the archive of packages",
        "Configure the package source of Kubernetes",
    ]
    assert versions(h1) == ["1.20.1"] * 3
    assert h1.changed("packages", kubernetes="1.20.1", packages=packages) == []


def test_the_mirror_of_labs_has_what_a_node_needs(h1: Lone, lab_mirror: dict[str, Any]) -> None:
    assert f"{INSTALL} 1.20.2" in h1.changed("packages", **lab_mirror)
    said = h1.sh("kubelet --version; kubeadm version -o short; ls /opt/cni/bin/bridge")
    assert said.split() == ["Kubernetes", "v1.20.2", "v1.20.2", "/opt/cni/bin/bridge"]
    assert h1.changed("packages", **lab_mirror) == []
