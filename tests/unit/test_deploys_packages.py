"""The ``packages`` phase: sources, keys, and apt called only when it has something to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.diagnose.causes import find_cause
from kubeinstall.facts.packages import Available, Interrupted, Packages, PackageState
from kubeinstall.families.debian import DEBIAN
from kubeinstall.files import packages as package_files
from kubeinstall.files.family import Repository
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.operations.packages import _FREE, installed, removed
from kubeinstall.releases.package_sources import PackageFormat
from tests.unit.clusters import cluster
from tests.unit.operating import commands, run, texts
from tests.unit.recorded import RECORDINGS

pytestmark = pytest.mark.unit

WANTED = (("kubelet", "1.36.2-*"), ("kubectl", "1.36.2-*"))
HELD = {name: PackageState("1.36.2-1.1", held=True) for name, _ in WANTED}
KEY = (RECORDINGS / "key.asc").read_text()


def test_what_dpkg_says() -> None:
    lines = ["kubelet 1.36.2-1.1 hold installed", "kubectl 1.36.2-1.1 install half-configured", "x"]
    assert Packages().process(lines) == {"kubelet": PackageState("1.36.2-1.1", held=True)}


def test_what_apt_says() -> None:
    lines = [
        "   kubelet | 1.36.2-1.1 | https://pkgs.k8s.io/core:/stable:/v1.36/deb  Packages",
        "   kubelet | 1.36.1-1.1 | https://pkgs.k8s.io/core:/stable:/v1.36/deb  Packages",
        "    chrony | 4.3-2 | http://mirror.example.org bookworm/main Sources",
        "N: no such thing",
    ]
    assert Available().process(lines) == {"kubelet": ("1.36.2-1.1", "1.36.1-1.1")}


def test_all_there_and_held(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Packages: HELD}
    assert commands(monkeypatch, installed, facts, wanted=WANTED, held=True) == []


def test_all_there_but_one_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Packages: {**HELD, "kubectl": PackageState("1.36.2-1.1")}}
    lines = texts(commands(monkeypatch, installed, facts, wanted=WANTED, held=True))
    assert lines == ["apt-mark hold kubelet kubectl >/dev/null"]


def test_a_known_version_needs_no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {
        Packages: {**HELD, "kubelet": PackageState("1.36.1-1.1", held=True)},
        Available: {"kubelet": ("1.36.2-1.1", "1.36.1-1.1")},
    }
    install, hold = texts(commands(monkeypatch, installed, facts, wanted=WANTED, held=True))
    assert "'kubelet=1.36.2-*'" in install
    assert "kubectl=" not in install
    assert "DPkg::Lock::Timeout=60" in install
    assert "--allow-change-held-packages" in install
    assert "--no-install-recommends" in install
    assert hold.startswith("apt-mark hold")


@pytest.mark.parametrize("version", ["1.36.20-1.1", "1.36.1-1.1"])
def test_an_unknown_version_needs_one(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    facts = {Available: {name: (version,) for name, _ in WANTED}}
    lines = texts(commands(monkeypatch, installed, facts, wanted=WANTED))
    assert [("apt-get" in line and " update " in line) for line in lines] == [True, True]
    # Files of descriptions are neither fetched nor removed.
    assert "Acquire::Languages=none -o APT::Get::List-Cleanup=false update" in lines[0]
    assert "install" not in lines[0]


def test_an_interrupted_dpkg_is_finished_first(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Interrupted: True, Available: {"chrony": ("4.3-2",)}}
    lines = texts(commands(monkeypatch, installed, facts, wanted=(("chrony", ""),)))
    assert "--configure -a" in lines[0]
    assert len(lines) == 2
    facts = {Interrupted: True, Packages: {"chrony": PackageState("4.3-2")}}
    assert commands(monkeypatch, installed, facts, wanted=(("chrony", ""),)) == []


def test_packages_are_removed_held_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("kubectl", "kubelet", "cri-tools")
    unhold, purge = texts(commands(monkeypatch, removed, {Packages: HELD}, names=names))
    assert unhold == "apt-mark unhold -q kubectl kubelet"
    assert purge.endswith("purge kubectl kubelet")
    assert commands(monkeypatch, removed, {Packages: {}}, names=names) == []


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    """A folder of stand-ins for apt's programs; calls are noted in ``calls``."""
    for name, body in {
        "apt-cache": "printf ' kubelet | %s | x Packages\\n' 1.36.1-1.1 1.36.0-1.1\n",
        "apt-get": f'echo "$@" >> {tmp_path}/calls\n',
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}")
        program.chmod(0o755)
    return tmp_path


def install(monkeypatch: pytest.MonkeyPatch, apt: Path, version: str) -> str:
    wanted = (("kubelet", version),)
    facts = {Available: {"kubelet": (version.replace("*", "1.1"),)}}
    (script,) = texts(commands(monkeypatch, installed, facts, wanted=wanted))
    run(script, env={"PATH": f"{apt}:{os.environ['PATH']}"})
    return (apt / "calls").read_text()


def test_a_version_there_is(monkeypatch: pytest.MonkeyPatch, apt: Path) -> None:
    assert " install " in install(monkeypatch, apt, "1.36.1-*")


@pytest.mark.parametrize("version", ["1.36.2-*", "1.36-*", "1x36.1-1.1"])
def test_a_version_there_is_not(monkeypatch: pytest.MonkeyPatch, apt: Path, version: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        install(monkeypatch, apt, version)
    assert caught.value.returncode == 100
    assert f"package kubelet {version} is in none" in caught.value.stderr
    assert "they have: 1.36.1-1.1 1.36.0-1.1" in caught.value.stderr
    assert not (apt / "calls").exists()


def test_what_can_no_longer_be_fetched_is_tried_with_fresh_lists(
    monkeypatch: pytest.MonkeyPatch, apt: Path
) -> None:
    body = f"""\
echo "$@" >> {apt}/calls
case $* in *install*) [ "$(grep -c install {apt}/calls)" = 2 ] || exit 100 ;; esac
"""
    (apt / "apt-get").write_text(f"#!/bin/sh\n{body}")
    calls = install(monkeypatch, apt, "1.36.1-*").splitlines()
    verbs = [verb for call in calls for verb in call.split() if verb in ("install", "update")]
    assert verbs == ["install", "update", "install"]


def test_the_source_is_of_the_minor() -> None:
    keyring, source = DEBIAN.repository_files(
        package_files.repository(cluster(version="1.36.2"), PackageFormat.DEB)
    )
    assert keyring.path == "/etc/apt/keyrings/kubernetes-apt-keyring.asc"
    url = "https://pkgs.k8s.io/core:/stable:/v1.36/deb/"
    assert source.path == "/etc/apt/sources.list.d/kubernetes.list"
    assert source.content.endswith(f"deb [signed-by={keyring.path}] {url} /\n")


def test_the_source_can_be_a_mirror(tmp_path: Path) -> None:
    key = tmp_path / "key.asc"
    key.write_text(KEY)
    mirrored = cluster(version="1.20.2", packages={"url": "http://10.0.0.2", "key": key})
    repository = package_files.repository(mirrored, PackageFormat.RPM)
    assert repository.url == "http://10.0.0.2/core:/stable:/v1.20/rpm/"
    assert repository.key == KEY


def test_a_source_with_suites() -> None:
    docker = Repository(
        name="docker",
        title="Docker",
        url="https://x/linux/debian/",
        suite="bookworm",
        components=("stable",),
        key_url="https://x/linux/debian/gpg",
    )
    _, source = DEBIAN.repository_files(docker)
    assert source.content.endswith("] https://x/linux/debian/ bookworm stable\n")


def test_versions() -> None:
    assert dict(package_files.versions(cluster(version="1.36.2")))["kubeadm"] == "1.36.2-*"
    exact = cluster(version="1.36.2", packages={"revision": "1.1"})
    assert dict(package_files.versions(exact))["kubelet"] == "1.36.2-1.1"


def test_a_key_never_comes_over_plain_http() -> None:
    with pytest.raises(KubeinstallError) as caught:
        package_files.repository(cluster(packages={"url": "http://10.0.0.2"}), PackageFormat.DEB)
    assert caught.value.findings[0].kind is Kind.INVENTORY


@pytest.mark.parametrize(
    ("package_format", "end"),
    [
        (PackageFormat.DEB, "/deb/Release.key"),
        (PackageFormat.RPM, "/rpm/repodata/repomd.xml.key"),
    ],
)
def test_where_the_official_key_is(package_format: PackageFormat, end: str) -> None:
    url = package_files.repository(cluster(), package_format).key_url
    assert url == f"https://pkgs.k8s.io/core:/stable:/v1.36{end}"


def test_a_given_key(tmp_path: Path) -> None:
    path = tmp_path / "key.asc"
    path.write_text(KEY)
    assert package_files.given_key(cluster(packages={"key": path})) == KEY
    assert package_files.given_key(cluster()) is None


@pytest.mark.parametrize(
    "content",
    [b"\x99\x01\x0d", b"ssh-ed25519 AAAA", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n", None],
)
def test_a_key_of_no_use(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key.asc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KubeinstallError, match="cannot be used"):
        package_files.given_key(cluster(packages={"key": path}))


def waiting(tmp_path: Path, limit: int, script: str) -> subprocess.CompletedProcess[str]:
    """Apt's wait with a lock of our own in the place of dpkg's, and then a program."""
    lock = tmp_path / "lock-frontend"
    text = _FREE.replace("/var/lib/dpkg/lock-frontend", str(lock)).replace("300", str(limit))
    return subprocess.run(
        ["sh", "-c", f"{text}quietly {script}"], capture_output=True, text=True, timeout=60
    )


# It holds the lock as dpkg does, until its standard input ends.
HOLDER = """\
import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_who_holds_apts_lock_is_named_and_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "lock-frontend"
    given: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], **given) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        late = waiting(tmp_path, 1, "true")
        assert late.returncode == 100
        assert late.stdout.startswith(f"process {holder.pid} (")
        assert "waiting for it, 1 s at most" in late.stdout
        found = find_cause(late.stderr)
        assert found
        assert found.why.startswith(f"process {holder.pid} (")
        assert "has not finished within 1 s" in found.why
        assert found.next.startswith(f"ps -fp {holder.pid}; ")
        assert subprocess.run(["sh", "-c", f"ps -fp {holder.pid}"], capture_output=True).stdout
        assert holder.stdin
        holder.stdin.close()
    assert waiting(tmp_path, 1, "true").returncode == 0


def test_what_apt_says_is_told_only_where_it_fails(tmp_path: Path) -> None:
    good = waiting(tmp_path, 1, "echo Reading package lists")
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    bad = waiting(tmp_path, 1, "sh -c 'echo E: no; exit 7'")
    assert (bad.returncode, bad.stderr) == (7, "E: no\n")
