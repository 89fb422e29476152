"""What of a host's data a snapshot shares with it by hard links, and what it copies."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from kubeinstall.lab import copying

pytestmark = pytest.mark.unit

CONTAINERD = "containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"
BLOBS = "containerd/io.containerd.content.v1.content/blobs"


def write(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def mounted(at: str, options: str, kind: str = "overlay") -> str:
    return f"612 33 0:72 / {at} rw,relatime shared:9 - {kind} overlay {options}\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One image layer below one container's, for each runtime, and what is beside them."""
    top = tmp_path / "data"
    for name in ("image", "container"):
        write(top / "docker/overlay2" / name / "diff/file", name)
    (top / "docker/overlay2/l").mkdir()
    (top / "docker/overlay2/l/SHORT").symlink_to("../image/diff")
    for name in ("1", "2"):
        write(top / CONTAINERD / name / "fs/file", name)
    write(top / BLOBS / "sha256/abc")
    write(top / "docker/containers/container/config.v2.json", "{}")
    write(top / "etcd/member/snap/db", "revision 1")
    write(top / "kubelet/config.yaml")
    return top


def test_lower_layers_are_never_written_to_again(data: Path) -> None:
    upper = "/var/lib/docker/overlay2/container/diff"
    mounts = mounted(
        "/var/lib/docker/overlay2/container/merged",
        f"rw,lowerdir=/var/lib/docker/overlay2/l/SHORT,upperdir={upper}",
    ) + mounted(
        "/run/containerd/rootfs",
        f"rw,lowerdir=/var/lib/{CONTAINERD}/1/fs,upperdir=/var/lib/{CONTAINERD}/2/fs,index=off",
    )
    assert copying.unchanging(mounts, data) == {
        PurePosixPath("docker/overlay2/image"),
        PurePosixPath(f"{CONTAINERD}/1"),
        PurePosixPath(BLOBS),
    }


@pytest.mark.parametrize(
    "options",
    [
        "rw,lowerdir=/var/lib/docker/overlay2/gone/diff",
        "rw,lowerdir=/var/lib/docker/overlay2/l/GONE",
        "rw,lowerdir=/var/lib/docker/overlay2",
        "rw,lowerdir=/var/lib/docker/overlay2/../../kubelet",
        "rw,lowerdir=/var/lib/docker/volumes/some/_data",
        "rw,lowerdir=/var/lib/kubelet:relative/fs",
        "rw,upperdir=/var/lib/docker/overlay2/image/diff",
        "rw",
    ],
)
def test_what_is_no_layer_of_an_image_is_copied(data: Path, options: str) -> None:
    assert copying.unchanging(mounted("/x", options), data) == {PurePosixPath(BLOBS)}


def test_a_link_that_leads_elsewhere_is_no_layer(data: Path) -> None:
    (data / "docker/overlay2/l/EVIL").symlink_to("../../../kubelet")
    options = "rw,lowerdir=/var/lib/docker/overlay2/l/EVIL"
    assert copying.unchanging(mounted("/x", options), data) == {PurePosixPath(BLOBS)}


@pytest.mark.parametrize(
    ("kind", "count"), [("overlay", 2), ("ext4", 1)], ids=["overlay", "another kind"]
)
def test_several_lower_layers_and_kinds_of_mounts(data: Path, kind: str, count: int) -> None:
    """Names in /proc/PID/mountinfo have signs of their own escaped."""
    options = "rw,lowerdir=/var/lib/docker/overlay2/ima\\147e/diff:/elsewhere"
    assert len(copying.unchanging(mounted("/x", options, kind), data)) == count


def test_everything_is_either_linked_or_copied(data: Path) -> None:
    linked = frozenset({PurePosixPath("docker/overlay2/image"), PurePosixPath(BLOBS)})
    assert dict(copying.rest(data, linked)) == {
        PurePosixPath("."): ["etcd", "kubelet"],
        PurePosixPath("containerd"): ["io.containerd.snapshotter.v1.overlayfs"],
        PurePosixPath("containerd/io.containerd.content.v1.content"): [],
        PurePosixPath("docker"): ["containers"],
        PurePosixPath("docker/overlay2"): ["container", "l"],
    }


def contents(top: Path) -> dict[str, str]:
    return {
        str(path.relative_to(top)): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in top.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_kept_and_brought_back(data: Path, tmp_path: Path) -> None:
    linked = frozenset({PurePosixPath("docker/overlay2/image"), PurePosixPath(BLOBS)})
    before = contents(data)
    (data / "kubelet").chmod(0o700)
    (data / "docker/overlay2").chmod(0o710)
    size = copying.keep(data, linked, tmp_path / "kept")
    assert (size.linked, size.copied) == (2 * 4096, 6 * 4096)
    # The host goes on, and writes in place; so does what was brought back.
    write(data / "etcd/member/snap/db", "revision 2")
    for name in ("a", "b"):
        copying.bring(tmp_path / "kept", tmp_path / name)
        assert contents(tmp_path / name) == before
        write(tmp_path / name / "etcd/member/snap/db", "revision 3")
        write(tmp_path / name / "docker/overlay2/container/diff/file", "written in a container")
    back = tmp_path / "b"
    assert (back / "kubelet").stat().st_mode & 0o777 == 0o700
    assert (back / "docker/overlay2").stat().st_mode & 0o777 == 0o710
    shared = "docker/overlay2/image/diff/file"
    assert (back / shared).stat().st_ino == (data / shared).stat().st_ino


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    write(tmp_path / "a", "x" * 5000)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert copying.allocated(tmp_path) == 8192
