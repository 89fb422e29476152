"""Labs saved and restored: hosts come back as they were, however often, and snapshots stay so."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeinstall.lab.plan import LabHost, Purpose
from tests.labs import Lab, running
from tests.running import kubeinstall
from tests.waiting import until

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

SNAPSHOTS = Path("/var/lib/kubeinstall/lab-snapshots")
ONE, TWO = "test-snapshots-one", "test-snapshots-two"
FILES = "/root/note /var/lib/kubelet/note"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    inventory = tmp_path_factory.mktemp("snapshots") / "lab.yaml"
    with running(Lab("test-snapshots", "10.89.28", inventory)) as lab:
        yield lab


@pytest.fixture(autouse=True)
def no_snapshots() -> Iterator[None]:
    remove()
    yield
    remove()


def remove() -> None:
    for name in known():
        if name in (ONE, TWO):
            kubeinstall("lab", "rm", name).ok()


def known() -> list[str]:
    return [each["name"] for each in json.loads(kubeinstall("lab", "snapshots", "--json").text)]


def write(lab: Lab, text: str) -> None:
    lab.sh("cp1", f"for file in {FILES}; do echo {text} > $file; done")


def notes(lab: Lab) -> set[str]:
    return set(lab.sh("cp1", f"cat {FILES}").split())


def identity(lab: Lab) -> str:
    files = "/etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /root/.ssh/authorized_keys"
    return lab.sh("cp1", f"cat {files}") + (lab.state / "known_hosts").read_text()


def restored(lab: Lab, name: str) -> None:
    lab.run("down").ok()
    assert "lab test-snapshots: 1 hosts up, " in lab.run("up", "--from", name).ok().text


def test_a_host_comes_back_as_it_was(lab: Lab) -> None:
    write(lab, "before")
    lab.sh("cp1", "rm /etc/issue; rm -r /etc/apt/apt.conf.d; mkdir /etc/apt/apt.conf.d")
    lab.sh("cp1", "touch /root/mine; chown daemon:daemon /root/mine; chmod 4710 /root/mine")
    before = identity(lab)
    lab.run("save", ONE).ok()
    # It goes on, and what it writes does not reach the snapshot.
    assert notes(lab) == {"before"}
    write(lab, "after")
    for text in ("restored", "restored again"):
        restored(lab, ONE)
        assert notes(lab) == {"before"}
        write(lab, text)
    assert lab.sh("cp1", "ls -A /etc/apt/apt.conf.d; ls /etc/issue 2>/dev/null; true") == ""
    assert lab.sh("cp1", "stat -c '%U:%G %a' /root/mine") == "daemon:daemon 4710"
    assert identity(lab) == before
    assert lab.ssh(f"root@{lab.address('cp1')}", "hostname").stdout.strip() == "cp1"
    assert lab.sh("cp1", "systemctl is-system-running --wait") == "running"
    assert "0 of them started now" in lab.run("up").ok().text


def test_saved_twice_and_what_was_restored_outlives_its_snapshot(lab: Lab) -> None:
    write(lab, "first")
    lab.run("save", ONE).ok()
    write(lab, "second")
    lab.run("save", TWO).ok()
    taken = lab.run("save", ONE)
    assert taken.code == 17
    assert "--replace" in taken.text
    restored(lab, ONE)
    assert notes(lab) == {"first"}
    restored(lab, TWO)
    assert notes(lab) == {"second"}
    lab.run("save", ONE, "--replace", "--stop").ok()
    assert not lab.status()["cp1"]["running"]
    kubeinstall("lab", "rm", ONE, TWO).ok()
    lab.run("up").ok()
    assert notes(lab) == {"second"}


def test_a_network_interface_that_the_kernel_has_not_removed_yet(lab: Lab) -> None:
    """As on a busy machine, for some seconds after the host's processes are gone."""
    lab.run("save", ONE, "--stop").ok()
    cable = f"vb-{LabHost('cp1', '', Purpose.NODE, lab.state / 'hosts/cp1').machine}"
    subprocess.run(
        ["ip", "link", "add", cable, "type", "veth", "peer", "name", "test-left"], check=True
    )
    try:
        lab.run("up").ok()
        assert lab.sh("cp1", "hostname") == "cp1"
    finally:
        subprocess.run(["ip", "link", "delete", "test-left"], check=False, capture_output=True)


def test_what_is_not_restored(lab: Lab, tmp_path: Path) -> None:
    lab.run("save", ONE).ok()
    there = lab.run("up", "--from", ONE)
    assert there.code == 17
    assert "lab down" in there.text
    unknown = lab.run("up", "--from", "test-snapshot-one")
    assert unknown.code == 17
    assert f"did you mean {ONE}?" in unknown.text
    other = Lab(lab.name, lab.network, tmp_path / "other.yaml", workers=1)
    other.write()
    refused = other.run("up", "--from", ONE)
    assert refused.code == 17
    assert "w1 10.89.28.12" in refused.text


def test_an_interrupted_save_is_no_snapshot(lab: Lab) -> None:
    """Killed while it copies: the lab starts again, and the next save works."""
    write(lab, "kept")
    big = lab.state / "hosts/cp1/data/docker/big"
    with big.open("wb") as file:
        file.truncate(0)
        for _ in range(64):
            file.write(b"x" * 8_000_000)
    save = subprocess.Popen(
        [sys.executable, "-m", "kubeinstall", "lab", "save", "-i", str(lab.inventory), ONE],
        stdout=subprocess.DEVNULL,
    )
    try:
        part = SNAPSHOTS / f".{ONE}.part"
        until(lambda: any(part.glob("hosts/cp1/copied/*")), 300)
    finally:
        save.kill()
        save.wait()
    assert part.is_dir()
    assert ONE not in known()
    lab.run("up").ok()
    assert notes(lab) == {"kept"}
    big.unlink()
    lab.run("save", ONE).ok()
    assert ONE in known()
    assert not part.exists()


def test_a_root_that_is_gone_from_the_cache(lab: Lab) -> None:
    lab.run("save", ONE).ok()
    note = SNAPSHOTS / ONE / "snapshot.json"
    text = json.loads(note.read_text())
    text["hosts"][0]["base"]["packages"] = "0" * 64
    note.write_text(json.dumps(text))
    lab.run("down").ok()
    try:
        ran = lab.run("up", "--from", ONE)
    finally:
        lab.run("up").ok()
    assert ran.code == 17
    assert f"lab rm {ONE}" in ran.text


def test_a_disk_that_is_missing_in_a_snapshot(lab: Lab) -> None:
    lab.run("save", ONE).ok()
    lab.run("down").ok()
    shutil.rmtree(SNAPSHOTS / ONE / "hosts")
    try:
        ran = lab.run("up", "--from", ONE)
        assert ran.code == 17
        assert "has no disk of this host" in ran.text
    finally:
        # What was begun is in nobody's way.
        lab.run("up").ok()
    assert lab.sh("cp1", "hostname") == "cp1"
