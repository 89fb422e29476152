"""The cache: trees appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeinstall.lab.mirror import MirrorTree, trees
from kubeinstall.lab.mirror.build import SourcePackage, make_words, version_file
from kubeinstall.lab.mirror.cache import Cache, finished, publish, require_space
from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.model import Manifest
from kubeinstall.lab.mirror.shell import Long, elapsed, run, tail

pytestmark = pytest.mark.unit

DEBIAN = "1.20.5+really1.20.2-1.1+deb12u1"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("KUBEINSTALL_CACHE", str(tmp_path / "cache"))
    return Cache.from_environment()


def test_a_tree_without_a_manifest_is_not_finished(cache: Cache) -> None:
    tree = cache.tree("1.20.2", "debian", "abc")
    tree.path.mkdir(parents=True)
    assert not finished(tree)
    assert trees() == ()


def test_a_finished_tree_is_found_with_what_it_holds(cache: Cache, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    manifest = Manifest("1.20.2", "debian", ("pause:3.2",), {"kubelet": "1.20.2-1.1"}, ("dns:1",))
    manifest.write(work)
    tree = cache.tree("1.20.2", "debian", "abc")
    publish(work, tree.path)
    assert trees() == (MirrorTree(tree.path, "1.20.2"),)
    assert trees()[0].manifest == manifest
    assert not work.exists()


def test_publishing_again_leaves_nothing_of_the_old_tree(cache: Cache, tmp_path: Path) -> None:
    to = cache.mirrors / "x"
    for name in ("old", "new"):
        work = tmp_path / "work"
        work.mkdir()
        (work / name).touch()
        publish(work, to)
    assert [path.name for path in to.iterdir()] == ["new"]


def test_the_next_run_sweeps_what_a_killed_one_left(cache: Cache) -> None:
    (cache.base / "mirror-tmp-left").mkdir(parents=True)
    with cache.locked(print), cache.scratch() as scratch:
        assert not (cache.base / "mirror-tmp-left").exists()
        assert scratch.parent == cache.base
    assert not scratch.exists()


def test_a_full_disk_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match="GiB free"):
        require_space(tmp_path, 10**9)


def test_what_is_built_decides_the_key() -> None:
    assert SourcePackage(DEBIAN).kubernetes == "1.20.2"
    assert SourcePackage(DEBIAN).recipe == SourcePackage(DEBIAN).recipe
    assert SourcePackage(DEBIAN).recipe != SourcePackage("1.20.5+really1.20.2-1.2").recipe


def test_a_source_of_another_minor_is_refused() -> None:
    with pytest.raises(MirrorError, match=r"1\.32\.3") as caught:
        SourcePackage("1.32.3+ds-2").check()
    assert "--from-binaries" in caught.value.next


def test_the_build_is_told_its_version_and_all_seven_programs() -> None:
    assert "KUBE_GIT_VERSION='v1.20.2'\n" in version_file("1.20.2")
    assert "KUBE_GIT_MINOR='20'\n" in version_file("1.20.2")
    assert make_words()[1].count("cmd/") == 7


def test_a_long_program_shows_life_and_its_failure_names_the_log(tmp_path: Path) -> None:
    said: list[str] = []
    log = tmp_path / "build.log"
    script = ("sh", "-c", "echo first; sleep 0.3; echo broken >&2; exit 3")
    with pytest.raises(MirrorError, match="building failed") as caught:
        Long(script, "building", 60, every=0.1).run(log, said.append, cwd=tmp_path, env={})
    assert "broken" in caught.value.why
    assert str(log) in caught.value.next
    assert said
    assert "of about 1 min 0 s" in said[0]


def test_a_short_program_that_fails_says_why() -> None:
    with pytest.raises(MirrorError, match="exited with 2") as caught:
        run(["sh", "-c", "echo no luck >&2; exit 2"])
    assert caught.value.why == "no luck"


def test_times_and_tails_read_well() -> None:
    assert elapsed(42.4) == "42 s"
    assert elapsed(95) == "1 min 35 s"
    assert tail("a\nb\nc\n", 2) == "b\nc"
