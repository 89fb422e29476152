"""Image archives: the same bytes from the same folders, and names that registries know."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from kubeinstall.addons.image_names import full_name, rewritten
from kubeinstall.inventory.catalogue import folders
from kubeinstall.lab.mirror import archives
from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.layers import Image, pack
from kubeinstall.lab.mirror.names import ImageName
from kubeinstall.lab.mirror.registry import configuration
from tests.unit.clusters import cluster

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


@pytest.mark.parametrize(
    "text",
    ["{}", "[7]", '[{"RepoTags": ["etcd"]}]', '[{"RepoTags": [7]}]', '[{"RepoTags": 7}]', "[", "7"],
)
def test_a_manifest_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    with pytest.raises(MirrorError):
        archives.read(tmp_path / "x.tar")


def test_a_given_image_gets_every_name_kubeadm_has_for_it() -> None:
    given = archives.Given(Path("x.tar"), "coredns/coredns:v1.14.2")
    flat = ImageName("coredns", "v1.14.2")
    asked = (given.name, flat, ImageName("pause", "3.10"))
    assert archives.names_for(given, asked) == (given.name, flat)


def test_each_image_of_an_addon_is_served_under_the_name_that_the_addon_asks_for() -> None:
    """With the mirror in the place of every registry; an archive has the name that docker shows."""
    hosts = ("docker.io", "quay.io", "ghcr.io", "gcr.io", "docker.elastic.co")
    repository = "10.0.0.2:5000"
    made = cluster(image_repository=repository, images=dict.fromkeys(hosts, repository))
    images = {
        image
        for name in folders.names()
        if (addon := folders.find(name))
        for release in addon.file.releases
        for image in release.images.values()
        if "@" not in image
    }
    assert len(images) > 50
    for image in images:
        full = full_name(image)
        for shown in {full, full.removeprefix("docker.io/").removeprefix("library/")}:
            if shown == full or full.startswith("docker.io/"):
                served = archives.names_for(archives.Given(Path("x.tar"), shown), ())
                asked = rewritten(image, made).removeprefix(f"{repository}/")
                assert asked in map(str, served)


def test_the_registry_listens_on_loopback_only() -> None:
    assert "addr: '127.0.0.1:0'" in configuration(Path("/srv/mirror/registry"))


def read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()
