"""Snapshots of labs on the disk: which there are, and whether a lab is the one that was saved."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.inventory.load import load
from kubeinstall.lab import saving, snapshots
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.life import Signs
from kubeinstall.lab.plan import LabPlan, plan
from kubeinstall.lab.snapshots import Base, Snapshot
from tests.running import INVENTORIES

pytestmark = pytest.mark.unit

BASE = Base(root="host-0123456789ab", packages="0" * 64)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    return tmp_path / "snapshots"


def planned(change: str = "", into: str = "", example: str = "lab.yaml") -> LabPlan:
    text = (INVENTORIES / example).read_text()
    assert change in text
    path = snapshots.FOLDER.parent / "inventory.yaml"
    path.write_text(text.replace(change, into) if change else text)
    return plan(load(path, files_must_exist=False))


def made(name: str, lab: LabPlan | None = None) -> Snapshot:
    lab = lab or planned()
    bases = dict.fromkeys((host.name for host in lab.hosts), BASE)
    cluster = Signs(nodes=frozenset({"cp1", "w1", "w2"}))
    found = snapshots.describe(lab, name, datetime.now(UTC), bases, cluster)
    with snapshots.being_made(name) as part:
        (part / "what").write_text(lab.kubernetes)
        snapshots.finish(part, found)
    return found


def test_saved_and_found(folder: Path) -> None:
    one, two = made("one"), made("two")
    assert snapshots.names() == ["one", "two"]
    assert snapshots.load("one") == one
    assert snapshots.everything() == ([one, two], [])
    assert folder.stat().st_mode & 0o777 == one.folder.stat().st_mode & 0o777 == 0o700


def test_one_that_is_not_finished_does_not_count(folder: Path) -> None:
    assert snapshots.names() == []
    (folder / ".one.part").mkdir(parents=True)
    (folder / ".one.part" / "left by one that was killed").touch()
    with snapshots.being_made("one") as part:
        assert list(part.iterdir()) == []
        (part / "half").touch()
        assert snapshots.names() == []
    with pytest.raises(OSError, match="full"), snapshots.being_made("one") as part:
        (part / "half").touch()
        raise OSError("full")
    assert list(folder.iterdir()) == []
    made("one")
    assert snapshots.names() == ["one"] == [path.name for path in folder.iterdir()]


def test_one_takes_the_place_of_another() -> None:
    made("one")
    other = made("one", planned("1.20.2", "1.20.3"))
    assert snapshots.names() == ["one"]
    assert snapshots.load("one").kubernetes == "1.20.3"
    assert (other.folder / "what").read_text() == "1.20.3"


def test_removed(folder: Path) -> None:
    made("one")
    snapshots.remove("one")
    assert list(folder.iterdir()) == []
    with pytest.raises(LabError, match="no snapshot 'one'"):
        snapshots.remove("one")


@pytest.mark.parametrize("name", ["", ".", "..", ".one", "a/b", "../etc", "Big", "a" * 64, "a\n"])
def test_names_that_are_none(name: str, folder: Path) -> None:
    with pytest.raises(LabError, match="is not a valid name"):
        snapshots.check_name(name)
    (folder / ".one").mkdir(parents=True)
    for use in (snapshots.load, snapshots.remove):
        with pytest.raises(LabError, match="there is no snapshot"):
            use(name)
    assert (folder / ".one").is_dir()


def test_an_unknown_one_is_reported_with_the_known_ones() -> None:
    with pytest.raises(LabError, match="this machine has no snapshots"):
        snapshots.load("docker")
    made("docker-1.20")
    made("other")
    with pytest.raises(LabError, match=r"docker-1\.20, other[\s\S]*did you mean docker-1\.20\?"):
        snapshots.load("docker120")


def broken(**changes: Any) -> str:
    document = json.loads(made("one").model_dump_json())
    return json.dumps({**document, **changes})


def test_notes_that_cannot_be_read(folder: Path) -> None:
    host = {"name": "../../etc", "address": "", "purpose": "node", "base": BASE.model_dump()}
    root = {**host, "name": "cp1", "base": {"root": "../../../root", "packages": "0" * 64}}
    texts = {
        "JSON": "{",
        "Input should be an object": "[]",
        "form: Input should be 1": broken(form=2),
        "belongs to the snapshot two": broken(name="two"),
        "made": broken(made="2026-11-27"),
        "hosts.0.name": broken(hosts=[host]),
        "hosts.0.base.root": broken(hosts=[root]),
        "surprise": broken(surprise=True),
        "subnet": broken(subnet="10.99.0.0/99"),
    }
    for why, text in texts.items():
        (folder / "one" / "snapshot.json").write_text(text)
        with pytest.raises(LabError, match=rf"{why}[\s\S]*lab rm one"):
            snapshots.load("one")
    (folder / "one" / "snapshot.json").unlink()
    made("good")
    found, unreadable = snapshots.everything()
    assert [each.name for each in found] == ["good"]
    assert "No such file" in unreadable[0].why
    snapshots.remove("one")
    assert snapshots.names() == ["good"]


@pytest.mark.parametrize(
    ("change", "into", "what"),
    [
        ("name: lab\n", "name: other\n", "cluster.name: lab in the snapshot, other"),
        ("kubernetes: 1.20.2", "kubernetes: 1.20.3", "cluster.kubernetes: 1.20.2"),
        ("10.99.0.0/24", "10.99.0.0/16", "lab.subnet: 10.99.0.0/24"),
        ("10.99.0.13", "10.99.0.14", "w2 10.99.0.13 in the snapshot, cp1 10.99.0.11"),
        ("w2:", "w3:", "w2 10.99.0.13 in the snapshot"),
        ("  mirror: 10.99.0.2\n", "", "mirror 10.99.0.2"),
        ("  mirror: 10.99.0.2\n", "  mirror: 10.99.0.2\n  users: {ops: sudo}\n", "lab.users: {}"),
        ("  mirror: 10.99.0.2\n", "  mirror: 10.99.0.2\n  nat: true\n", "lab.nat: False"),
        ("  mirror: 10.99.0.2\n", "  mirror: 10.99.0.2\n  suite: trixie\n", "lab.suite: None"),
        ("  mirror: 10.99.0.2\n", "  mirror: 10.99.0.2\n  cgroup: v1\n", "lab.cgroup: host"),
    ],
)
def test_another_lab_than_the_one_that_was_saved(change: str, into: str, what: str) -> None:
    saved = made("one")
    assert snapshots.differences(saved, planned()) == []
    found = snapshots.differences(saved, planned(change, into))
    assert what in "\n".join(found)


def test_more_than_the_disk_can_take(tmp_path: Path) -> None:
    saving.must_fit(tmp_path / "not" / "there", 0)
    with pytest.raises(LabError, match=r"not enough disk space[\s\S]*1,000,000,000,000 MB"):
        saving.must_fit(tmp_path / "not" / "there", 10**18)
