"""Every file for every host of some inventories: as the golden copy, and readable by its parser.

One host's files are whole in ``golden/hosts``; those of each other host, and of each other family
of operating systems, are what differs from another set, and in ``absent`` what is not in it.
After a wanted change: ``pytest tests/render --update-golden``, and read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeinstall.cli import COMMANDS
from kubeinstall.deploys.rendered import rendered
from kubeinstall.families import FAMILIES, Family
from kubeinstall.families.debian import DEBIAN
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import Cluster
from tests.render.parsers import PARSERS, UNPARSED
from tests.running import kubeinstall

pytestmark = pytest.mark.render

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "hosts"
INVENTORIES = {path.stem: path for path in sorted((HERE / "inventories").glob("*.yaml"))}
SETS = {
    "containerd-1.30/cp1": None,
    "containerd-1.30/w1": "containerd-1.30/cp1",
    "containerd-1.36/node-1": "containerd-1.30/cp1",
    "docker-1.20/cp1": "containerd-1.30/cp1",
    "docker-1.20/w1": "docker-1.20/cp1",
    "families/redhat": "containerd-1.36/node-1",
    "families/fedora": "families/redhat",
    "families/openeuler": "families/redhat",
}
"""``INVENTORY/HOST`` or ``families/FAMILY``, and the set that it is stored as a difference from."""
ABSENT = "absent"


def cluster(inventory: str) -> Cluster:
    return load(INVENTORIES[inventory], {}, files_must_exist=False)


def files(name: str) -> dict[str, RenderedFile]:
    """The files of a set by their path, without the first slash."""
    inventory, _, host = name.partition("/")
    family: Family = DEBIAN
    if inventory == "families":
        [family] = [one for one in FAMILIES if one.name == host]
        inventory, host = "containerd-1.36", "node-1"
    of = cluster(inventory)
    [machine] = [one for one in of.hosts if one.name == host]
    return {file.path.lstrip("/"): file for file in rendered(of, machine, family=family)}


def texts(name: str | None) -> dict[str, str]:
    """What is rendered for a set; for no set, nothing."""
    return {path: file.content for path, file in files(name).items()} if name else {}


def own(name: str) -> tuple[dict[str, str], set[str]]:
    """What is stored of a set: its own files, and what it does not have of its base."""
    folder = GOLDEN / name
    found = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}
    return found, set(found.pop(ABSENT, "").splitlines())


def stored(name: str | None) -> dict[str, str]:
    """The golden copy of a set, whole."""
    if name is None:
        return {}
    changed, absent = own(name)
    base = stored(SETS[name])
    return {path: text for path, text in base.items() if path not in absent} | changed


def store(name: str) -> None:
    """Write the golden copy of a set."""
    base, found = texts(SETS[name]), texts(name)
    changed = {path: text for path, text in found.items() if base.get(path) != text}
    if absent := sorted(base.keys() - found.keys()):
        changed[ABSENT] = "".join(f"{path}\n" for path in absent)
    folder = GOLDEN / name
    for old in [path for path in folder.rglob("*") if path.is_file()]:
        old.unlink()
    for path, text in changed.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.mark.parametrize("name", SETS)
def test_golden(name: str, updating: bool) -> None:
    if updating:
        store(name)
        return
    found, expected = texts(name), stored(name)
    assert set(found) == set(expected)
    for path, content in found.items():
        assert content == expected[path], path


@pytest.mark.parametrize("name", SETS)
def test_a_golden_copy_holds_nothing_that_its_base_holds_already(name: str) -> None:
    changed, absent = own(name)
    base = stored(SETS[name])
    assert [path for path, text in changed.items() if base.get(path) == text] == []
    assert absent <= base.keys() - changed.keys()


def test_every_host_of_every_inventory_and_every_family_has_a_set() -> None:
    hosts = [f"{name}/{host.name}" for name in INVENTORIES for host in cluster(name).hosts]
    assert set(SETS) == {*hosts, *(f"families/{one.name}" for one in FAMILIES[1:])}


def test_no_golden_file_is_left_over() -> None:
    of_sets = {path for name in SETS for path in (GOLDEN / name).rglob("*")}
    left = {path for path in GOLDEN.rglob("*") if path.is_file()} - of_sets
    assert left == set()
    folders = {path.name for path in GOLDEN.parent.iterdir()}
    assert folders == {"addons", "hosts", "kubeadm", "sources"}


@pytest.mark.parametrize("name", SETS)
def test_each_file_is_read_by_its_parser(name: str) -> None:
    for path, file in files(name).items():
        if path.endswith(UNPARSED):
            continue
        (parse,) = [parse for end, parse in PARSERS.items() if path.endswith(end)]
        parse(file.content)


@pytest.mark.parametrize("name", SETS)
def test_every_text_file_of_ours_says_so(name: str) -> None:
    for path, file in files(name).items():
        if path.endswith((".json", ".conflist", ".asc", "/hostname", "/RPM-GPG-KEY-kubernetes")):
            continue
        assert "kubeinstall" in file.content, path


def test_the_command_writes_the_same(tmp_path: Path) -> None:
    assert "render" in COMMANDS
    name, inventory = next(iter(INVENTORIES.items()))
    hosts = [host.name for host in cluster(name).hosts]
    kubeinstall("render", "-i", inventory, "-o", tmp_path / "out").ok()
    out = tmp_path / "out"
    written = {str(p.relative_to(out)): p for p in out.rglob("*") if p.is_file()}
    expected = {f"{h}/{path}": file for h in hosts for path, file in files(f"{name}/{h}").items()}
    assert set(written) == set(expected)
    for path, file in expected.items():
        assert written[path].read_text() == file.content
        assert f"{written[path].stat().st_mode & 0o777:o}" == file.mode


def test_the_command_writes_for_another_system(tmp_path: Path) -> None:
    inventory = INVENTORIES["containerd-1.36"]
    kubeinstall("render", "-i", inventory, "--os", "rocky", "-o", tmp_path).ok()
    assert list(tmp_path.glob("*/etc/yum.repos.d/kubernetes.repo"))
    assert not list(tmp_path.glob("*/etc/apt"))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    inventory = next(iter(INVENTORIES.values()))
    ran = kubeinstall("render", "-i", inventory, "-o", tmp_path / "file" / "out")
    assert ran.code == 18, ran.text
    assert "Traceback" not in ran.text
