"""Image archives: the same bytes from the same folders, and names that registries know."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from kubeinstall.lab.mirror import archives
from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.layers import Image, pack
from kubeinstall.lab.mirror.names import ImageName
from kubeinstall.lab.mirror.registry import configuration

pytestmark = pytest.mark.unit


def root(folder: Path) -> Path:
    (folder / "usr" / "bin").mkdir(parents=True)
    (folder / "usr" / "bin" / "etcd").write_bytes(b"program")
    (folder / "usr" / "bin" / "etcd").chmod(0o755)
    (folder / "bin").symlink_to("usr/bin")
    return folder


def test_a_layer_does_not_depend_on_when_or_where_it_was_packed(tmp_path: Path) -> None:
    one = pack(root(tmp_path / "one"), tmp_path / "one.tar")
    two = pack(root(tmp_path / "two"), tmp_path / "two.tar")
    assert one.digest == two.digest
    assert one.path.read_bytes() == two.path.read_bytes()


def test_a_layer_belongs_to_root_and_keeps_links_and_modes(tmp_path: Path) -> None:
    layer = pack(root(tmp_path / "root"), tmp_path / "layer.tar")
    with tarfile.open(layer.path) as opened:
        assert opened.getnames() == ["bin", "usr", "usr/bin", "usr/bin/etcd"]
        assert opened.getmember("bin").linkname == "usr/bin"
        program = opened.getmember("usr/bin/etcd")
    assert (program.uid, program.gid, program.mtime) == (0, 0, 0)
    assert program.mode & 0o777 == 0o755


def test_an_archive_names_its_image_and_lists_its_layers(tmp_path: Path) -> None:
    layer = pack(root(tmp_path / "root"), tmp_path / "layer.tar")
    image = Image(names=("etcd:3.4.13-0",), layers=(layer,), command=("/usr/bin/etcd",))
    image.write(tmp_path / "image.tar", "amd64")
    with tarfile.open(tmp_path / "image.tar") as opened:
        (listed,) = json.loads(read(opened, "manifest.json"))
        described = json.loads(read(opened, listed["Config"]))
    assert listed["RepoTags"] == ["etcd:3.4.13-0"]
    assert described["rootfs"]["diff_ids"] == [f"sha256:{layer.digest}"]
    assert described["architecture"] == "amd64"
    assert described["config"]["Cmd"] == ["/usr/bin/etcd"]
    assert "Entrypoint" not in described["config"]


def test_a_written_archive_is_read_back(tmp_path: Path) -> None:
    layer = pack(root(tmp_path / "root"), tmp_path / "layer.tar")
    written = tmp_path / "image.tar"
    Image(names=("etcd:3.4.13-0",), layers=(layer,)).write(written, "amd64")
    (given,) = archives.read(written)
    assert given.name == ImageName("etcd", "3.4.13-0")
    assert given.source == f"docker-archive:{written}:etcd:3.4.13-0"


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"no tar")
    with pytest.raises(MirrorError, match="not a docker archive") as caught:
        archives.read(tmp_path / "x.tar")
    assert "docker save" in caught.value.next


def test_an_archive_without_names_is_refused(tmp_path: Path) -> None:
    Image(names=(), layers=()).write(tmp_path / "x.tar", "amd64")
    with pytest.raises(MirrorError, match="have no names"):
        archives.read(tmp_path / "x.tar")


def test_a_given_image_gets_every_name_kubeadm_has_for_it() -> None:
    given = ImageName("coredns/coredns", "v1.14.2")
    asked = (given, ImageName("coredns", "v1.14.2"), ImageName("pause", "3.10"))
    assert archives.names_for(given, asked) == (given, ImageName("coredns", "v1.14.2"))


def test_the_registry_listens_on_loopback_only() -> None:
    assert "addr: '127.0.0.1:0'" in configuration(Path("/srv/mirror/registry"))


def read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()
