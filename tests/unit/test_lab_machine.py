"""What a lab decides from this machine's cgroups, name servers, package sources and rights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import CgroupMode
from kubeinstall.lab import cgroups, mirror, network, roots, system, trees
from kubeinstall.lab.cgroups import Layout
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.lab import _load_modules, all_at_once
from kubeinstall.lab.mirror import Manifest, MirrorTree
from kubeinstall.lab.plan import LabHost, Purpose

pytestmark = pytest.mark.unit

HYBRID = """\
proc /proc proc rw 0 0
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
V1 = "".join(line for line in HYBRID.splitlines(keepends=True) if "cgroup2" not in line)
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
ELSEWHERE = "cgroup /mnt/other cgroup rw,memory 0 0\n"


def quiet(_: str) -> None:
    """Take a line of progress and drop it."""


@pytest.mark.parametrize(
    ("mounts", "mode"),
    [(HYBRID, CgroupMode.HYBRID), (V1, CgroupMode.V1), (V2 + ELSEWHERE, CgroupMode.V2)],
)
def test_cgroups_of_a_machine(mounts: str, mode: CgroupMode) -> None:
    found = cgroups.layout(mounts)
    assert found.mode is mode
    assert cgroups.choose(CgroupMode.HOST, found) is mode
    assert cgroups.choose(mode, found) is mode


def test_a_hybrid_machine_gives_v1_too() -> None:
    assert cgroups.choose(CgroupMode.V1, cgroups.layout(HYBRID)) is CgroupMode.V1


@pytest.mark.parametrize(
    ("mounts", "wanted"),
    [
        (HYBRID, CgroupMode.V2),
        (V1, CgroupMode.V2),
        (V1, CgroupMode.HYBRID),
        (V2, CgroupMode.V1),
        (V2, CgroupMode.HYBRID),
        ("", CgroupMode.HOST),
    ],
)
def test_cgroups_that_cannot_be_had(mounts: str, wanted: CgroupMode) -> None:
    with pytest.raises(LabError, match="cannot provide cgroup") as raised:
        cgroups.choose(wanted, cgroups.layout(mounts))
    assert "lab.cgroup" in raised.value.findings[0].next


def test_a_host_has_a_cgroup_in_every_hierarchy() -> None:
    assert cgroups.folders(cgroups.layout(HYBRID), "x") == (
        Path("/sys/fs/cgroup/memory/x"),
        Path("/sys/fs/cgroup/systemd/x"),
        Path("/sys/fs/cgroup/unified/x"),
    )
    assert cgroups.folders(cgroups.layout(V2), "x") == (Path("/sys/fs/cgroup/x"),)


def test_new_cpusets_are_filled(tmp_path: Path) -> None:
    """An empty one takes no process."""
    (tmp_path / "host").mkdir()
    for name, text in (("cpuset.cpus", "0-1"), ("cpuset.mems", "0")):
        (tmp_path / name).write_text(text)
        (tmp_path / "host" / name).write_text("")
    cgroups.make((tmp_path / "host",))
    assert (tmp_path / "host/cpuset.cpus").read_text() == "0-1"
    assert (tmp_path / "host/cpuset.mems").read_text() == "0"
    assert (tmp_path / "host/cgroup.clone_children").read_text() == "1"


@pytest.mark.parametrize(
    ("name", "text", "seconds"),
    [
        ("cpuacct.usage", "2500000000\n", 2.5),
        ("cpu.stat", "usage_usec 1500000\nuser_usec 1\n", 1.5),
        ("cpu.stat", "nr_periods 3\n", 0.0),
        ("cgroup.procs", "7\n", 0.0),
    ],
)
def test_processor_time_of_a_host(tmp_path: Path, name: str, text: str, seconds: float) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / name).write_text(text)
    assert cgroups.processor_time((tmp_path / "a", tmp_path / "b")) == seconds


def test_nspawn_is_told_the_mode() -> None:
    told = {mode: cgroups.environment(mode) for mode in (CgroupMode.V1, CgroupMode.V2)}
    key = "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"
    assert (told[CgroupMode.V1][key], told[CgroupMode.V2][key]) == ("0", "1")
    assert key not in cgroups.environment(CgroupMode.HYBRID)


def test_layout_without_cgroups() -> None:
    assert cgroups.layout("") == Layout((), None)


def test_name_servers_on_the_loopback_are_no_use_to_hosts(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\n")
    real.write_text("nameserver 192.0.2.53\nnameserver fe80::1%eth0\nsearch lab\n")
    assert network.resolv_conf((stub, real)) == real.read_text()
    assert network.resolv_conf((real, stub)) == real.read_text()
    assert network.servers(real.read_text()) == ["192.0.2.53", "fe80::1%eth0"]
    with pytest.raises(LabError, match="name servers"):
        network.resolv_conf((stub, tmp_path / "none"))


def release(folder: Path, identity: str) -> Path:
    path = folder / "os-release"
    path.write_text(f'PRETTY_NAME="x"\nID={identity}\nID_LIKE=debian\n')
    return path


@pytest.mark.parametrize("identity", ["debian", '"debian"'])
def test_debian_sources_of_both_forms(tmp_path: Path, identity: str) -> None:
    debian = release(tmp_path, identity)
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example.org/debian sid main\n"
        "deb [signed-by=/k.gpg] http://a.example.org/debian bookworm main contrib\n"
        "deb-src http://a.example.org/debian bookworm main\n"
    )
    found = roots.debian_sources(tmp_path, debian)
    assert found == ("deb http://a.example.org/debian bookworm main",)
    (parts / "debian.sources").write_text(
        "Types: deb\nURIs: http://b.example.org/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\n\nTypes: deb-src\nURIs: http://c.example.org\nSuites: bookworm\n"
    )
    assert roots.debian_sources(tmp_path, debian) == (
        "deb http://b.example.org/debian bookworm main",
        "deb http://b.example.org/debian bookworm-updates main",
    )


def test_sources_of_another_release() -> None:
    uri = "http://a.example.org/debian"
    sources = (f"deb {uri} bookworm main", f"deb {uri}-security bookworm-security main")
    assert roots.of_suite(sources, "trixie") == (
        f"deb {uri} trixie main",
        f"deb {uri}-security trixie-security main",
    )


def test_hosts_on_ubuntu_are_debian_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ubuntu's own sources would make another system, with other packages."""
    (tmp_path / "sources.list").write_text("deb http://ubuntu.example.org/ubuntu jammy main\n")
    ubuntu = release(tmp_path, "ubuntu")
    monkeypatch.delenv(roots.MIRROR_VARIABLE, raising=False)
    with pytest.raises(LabError, match="this machine is not"):
        roots.debian_sources(tmp_path, ubuntu)
    monkeypatch.setenv(roots.MIRROR_VARIABLE, "http://a.example.org/debian/")
    assert roots.debian_sources(tmp_path, ubuntu) == (
        "deb http://a.example.org/debian bookworm main",
        "deb http://a.example.org/debian bookworm-updates main",
    )


def test_a_debian_machine_without_sources(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no Debian package source"):
        roots.debian_sources(tmp_path, release(tmp_path, "debian"))


@pytest.mark.parametrize("there", [True, False])
def test_the_machine_loads_what_hosts_cannot(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """A machine without modprobe, or whose kernel has it all built in, is no worse for it."""
    asked: list[tuple[str, ...]] = []

    def succeeds(*argv: str) -> bool:
        asked.append(argv)
        if not there:
            raise FileNotFoundError(argv[0])
        return False

    monkeypatch.setattr(system, "succeeds", succeeds)
    _load_modules()
    assert [(argv[0], argv[-1]) for argv in asked] == [
        ("modprobe", "overlay"),
        ("modprobe", "br_netfilter"),
    ]


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="sudo"):
        system.require(quiet)


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(LabError, match="no such thing"):
        system.run("sh", "-c", "echo no such thing >&2; exit 3")
    with pytest.raises(LabError, match="cannot be run"):
        system.run("/no/such/program")


def test_every_host_that_fails_is_told(tmp_path: Path) -> None:
    def refuse(host: LabHost) -> None:
        if host.name != "b":
            raise LabError("broken", host=host.name)

    hosts = [LabHost(name, "", Purpose.NODE, tmp_path) for name in "abc"]
    with pytest.raises(KubeinstallError) as raised:
        all_at_once(hosts, refuse)
    assert [finding.where for finding in raised.value.findings] == ["a", "c"]


def tree(folder: Path, kubernetes: str, origin: str = "binaries") -> MirrorTree:
    folder.mkdir()
    Manifest(kubernetes, origin).write(folder)
    return MirrorTree(folder, kubernetes)


def test_the_newest_mirror_of_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = ("1.35.0", "1.36.2", "1.36.2")
    known = tuple(tree(tmp_path / str(n), version) for n, version in enumerate(versions))
    monkeypatch.setattr(mirror, "trees", lambda: known)
    assert trees.choose("1.36.2", quiet) == known[1]
    with pytest.raises(LabError, match=r"1\.37\.0[\s\S]*--from-binaries DIR --kubernetes 1\.37\.0"):
        trees.choose("1.37.0", quiet)


def test_debians_own_version_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = tree(tmp_path / "built", trees.DEBIAN_KUBERNETES, "debian")
    monkeypatch.setattr(mirror, "from_debian_source", lambda _: built)
    monkeypatch.setattr(mirror, "trees", lambda: ())
    assert trees.choose(trees.DEBIAN_KUBERNETES, quiet) == built
    own = tree(tmp_path / "own", trees.DEBIAN_KUBERNETES, "binaries")
    monkeypatch.setattr(mirror, "trees", lambda: (own, built))
    assert trees.choose(trees.DEBIAN_KUBERNETES, quiet) == own
