"""The ``hosts`` phase: decisions about names, swap, modules, settings, ports."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.facts.clock import InSync, OtherTimeServices
from kubeinstall.facts.files import File, FileState
from kubeinstall.facts.identity import Hostname, Names
from kubeinstall.facts.kernel import Module, Modules, Sysctls, sysctl_path
from kubeinstall.facts.swap import Swap, SwapState
from kubeinstall.operations import backups
from kubeinstall.operations.clock import in_sync, others_off
from kubeinstall.operations.modules import modules_file, modules_loaded
from kubeinstall.operations.names import BEGIN, END, etc_hosts, hostname, with_names
from kubeinstall.operations.swap import swap_off
from kubeinstall.operations.sysctls import sysctls_live
from tests.unit.operating import ask, commands, run, texts

pytestmark = pytest.mark.unit

ADDRESSES = {"cp1": "10.0.0.10", "w1": "10.0.0.11"}
BLOCK = f"{BEGIN}\n10.0.0.10 cp1\n10.0.0.11 w1\n{END}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", BLOCK, id="empty"),
        pytest.param("127.0.0.1 localhost\n", f"127.0.0.1 localhost\n{BLOCK}", id="appended"),
        pytest.param("127.0.1.1 cp1\n", BLOCK, id="installer's line"),
        pytest.param("127.0.2.1 cp1 cp1\n", BLOCK, id="Vagrant's line"),
        pytest.param(
            "127.0.1.1 cp1.example.org cp1\n", f"127.0.1.1 cp1.example.org\n{BLOCK}", id="fqdn"
        ),
        pytest.param("192.0.2.9 w1 mail # old\n", f"192.0.2.9 mail # old\n{BLOCK}", id="stale"),
        pytest.param("# cp1 is ours\n", f"# cp1 is ours\n{BLOCK}", id="comment"),
        pytest.param(
            f"{BEGIN}\n10.0.0.99 gone\n{END}\n192.0.2.1 db\n", f"192.0.2.1 db\n{BLOCK}", id="moved"
        ),
        pytest.param(f"{BEGIN}\n192.0.2.1 db\n", f"192.0.2.1 db\n{BLOCK}", id="lost its end"),
    ],
)
def test_hosts_file(before: str, after: str) -> None:
    assert with_names(before, ADDRESSES) == after
    assert with_names(after, ADDRESSES) == after


def test_two_names_of_one_host_share_a_line() -> None:
    assert "10.0.0.10 node-1 cp1" in with_names("", {"node-1": "10.0.0.10", "cp1": "10.0.0.10"})


def test_etc_hosts_keeps_a_copy_and_then_its_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    given = tuple(ADDRESSES.items())
    old = FileState("644", b"127.0.1.1 cp1\n")
    copy, write = commands(monkeypatch, etc_hosts, {File: old}, addresses=given)
    assert texts([copy]) == [backups.copied("/etc/hosts")]
    assert write.stdin == BLOCK
    assert "-127.0.1.1 cp1" in write.diff
    new = FileState("644", BLOCK.encode(), backed_up=True)
    assert commands(monkeypatch, etc_hosts, {File: new}, addresses=given) == []


@pytest.mark.parametrize(
    ("names", "changes"),
    [(Names("w1", "w1"), False), (Names("w1", "localhost"), True), (Names("debian", "w1"), True)],
)
def test_hostname(monkeypatch: pytest.MonkeyPatch, names: Names, changes: bool) -> None:
    assert bool(commands(monkeypatch, hostname, {Hostname: names}, wanted="w1")) is changes


SWAPS = """\
active /dev/vda2
active /swap file
fstab UUID=0-1 none swap sw 0 0
unit dev-vda2.swap
unit dev-disk-by\\x2duuid-0.swap
service zramswap.service
zram zram-generator.conf
zram zram-generator.conf.d/mine.conf
waagent
target
""".splitlines()


def test_swap_fact() -> None:
    assert Swap().process(SWAPS) == SwapState(
        active=("/dev/vda2", "/swap file"),
        fstab=("UUID=0-1 none swap sw 0 0",),
        units=("dev-vda2.swap", "dev-disk-by\\x2duuid-0.swap"),
        services=("zramswap.service",),
        zram=("zram-generator.conf", "zram-generator.conf.d/mine.conf"),
        waagent=True,
        target=True,
    )


def test_swap_finds_every_file_of_zram_generator(tmp_path: Path) -> None:
    """The first folder that has a name counts; a name may have spaces."""
    first, second = (tmp_path / name / "systemd/zram-generator.conf.d" for name in ("one", "two"))
    for folder in (first, second):
        folder.mkdir(parents=True)
        (folder / "my zram.conf").write_text("[zram0]\n")
    (first / "none.conf").write_text("# nothing\n")
    (second / "none.conf").write_text("[zram0]\n")
    (second.parent / "zram-generator.conf").write_text(" [zram0]\n")
    folders = f"{tmp_path}/one {tmp_path}/two"
    said = run(Swap().command().replace("/etc /run /usr/local/lib /usr/lib", folders))
    assert Swap().process(said.splitlines()).zram == (
        "zram-generator.conf",
        "zram-generator.conf.d/my zram.conf",
    )


def test_swap_is_found_where_systemd_would_look_for_it(tmp_path: Path) -> None:
    """A name counts in the first of its folders; an empty file or a link to nothing masks it."""
    for path, text in {
        "proc/swaps": "Filename Type Size\n/dev/vda2 partition 1\n/swap\\040file file 2\n",
        "etc/fstab": " # /dev/x none swap sw 0 0\n/dev/y /y ext4 x 0 0\nUUID=1\tnone swap sw 0 0",
        "etc/systemd/system/a.swap": "[Swap]\n",
        "etc/systemd/system/masked.swap": "",
        "run/systemd/generator/masked.swap": "[Swap]\n",
        "run/systemd/generator/dev-by\\x2did-1.swap": "[Swap]\n",
        "usr/lib/systemd/system/swap.target": "[Unit]\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "etc/systemd/system/linked.swap").symlink_to("/dev/null")
    (tmp_path / "usr/lib/systemd/system/linked.swap").write_text("[Swap]\n")
    command = re.sub(
        r"(?<![\w*.}\"])/(etc|run|usr|lib|proc)\b", rf"{tmp_path}/\1", Swap().command()
    )
    state = Swap().process(run(command).splitlines())
    assert state.active == ("/dev/vda2", "/swap\\040file")
    assert state.fstab == ("UUID=1 none swap sw 0 0",)
    assert state.units == ("a.swap", "dev-by\\x2did-1.swap")
    assert (state.services, state.zram, state.waagent, state.target) == ((), (), False, True)
    (tmp_path / "run/systemd/system").mkdir()
    (tmp_path / "run/systemd/system/swap.target").symlink_to("/dev/null")
    assert Swap().process(run(command).splitlines()).target, "that mask is gone after a boot"
    (tmp_path / "etc/systemd/system/swap.target").symlink_to("/dev/null")
    assert not Swap().process(run(command).splitlines()).target


def test_swap_off(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = texts(commands(monkeypatch, swap_off, {Swap: Swap().process(SWAPS)}))
    assert "swapoff -a" in lines
    assert any("sed -i" in line and "/etc/fstab" in line for line in lines)
    masks = [line for line in lines if "systemctl mask" in line]
    assert len(masks) == 3
    assert masks[1].endswith("systemctl mask --quiet 'dev-disk-by\\x2duuid-0.swap'")
    assert "systemctl disable --now --quiet zramswap.service" in lines
    empty = [line.rpartition(": > ")[2] for line in lines if ": > " in line]
    assert empty == [f"/etc/systemd/zram-generator.conf{at}" for at in ("", ".d/mine.conf")]
    assert masks[2] == "systemctl mask --quiet --no-reload swap.target"
    assert commands(monkeypatch, swap_off, {Swap: SwapState()}) == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (SwapState(active=("/dev/sda1",)), ["swapoff -a"]),
        (
            SwapState(services=("zramswap.service",)),
            ["systemctl disable --now --quiet zramswap.service"],
        ),
        (SwapState(target=True), ["systemctl mask --quiet --no-reload swap.target"]),
    ],
)
def test_swap_only_what_is_there(
    monkeypatch: pytest.MonkeyPatch, state: SwapState, expected: list[str]
) -> None:
    assert texts(commands(monkeypatch, swap_off, {Swap: state})) == expected


NAMES = ("overlay", "br_netfilter")


def test_built_in_modules_are_not_asked_for_at_boot() -> None:
    text = modules_file({"overlay": Module.BUILT_IN, "br_netfilter": Module.LOADED})
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["br_netfilter"]


def test_a_missing_module_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    facts: dict[type, Any] = {Modules: {"overlay": Module.LOADED}}
    load, write = commands(monkeypatch, modules_loaded, facts, names=NAMES, path="/etc/m.conf")
    assert load.get_raw_value().startswith("modprobe br_netfilter ")
    assert write.stdin.splitlines()[1:] == ["overlay", "br_netfilter"]


def test_modules_are_as_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict.fromkeys(NAMES, Module.BUILT_IN)
    facts = {Modules: found, File: FileState("644", modules_file(found).encode())}
    assert commands(monkeypatch, modules_loaded, facts, names=NAMES, path="/etc/m.conf") == []


def test_modules_of_this_kernel() -> None:
    """A kernel always has proc; never what is not a module."""
    found = ask(Modules, names=("overlay", "no_such_module"))
    assert "no_such_module" not in found


def test_sysctl_paths() -> None:
    assert sysctl_path("net.ipv4.ip_forward") == "/proc/sys/net/ipv4/ip_forward"
    assert (
        sysctl_path("net.ipv4.conf.eth0/1.rp_filter") == "/proc/sys/net/ipv4/conf/eth0.1/rp_filter"
    )


def test_sysctls_are_read_whole() -> None:
    keys = ("kernel.pid_max", "net.ipv4.ip_local_port_range", "no.such_key")
    found = ask(Sysctls, keys=keys)
    with open("/proc/sys/kernel/pid_max") as file:  # noqa: PTH123 as the kernel gives it
        assert found["/proc/sys/kernel/pid_max"] == file.read().strip()
    assert len(found["/proc/sys/net/ipv4/ip_local_port_range"].split(" ")) == 2
    assert len(found) == 2


def test_sysctls_live(monkeypatch: pytest.MonkeyPatch) -> None:
    live = {"/proc/sys/a/b": "1", "/proc/sys/c/d": "4096 16384"}
    values = (("a.b", "0"), ("c.d", "4096\t16384"))
    (line,) = texts(commands(monkeypatch, sysctls_live, {Sysctls: live}, values=values))
    assert "echo 0 > /proc/sys/a/b" in line
    assert "/proc/sys/c/d" not in line
    same = {"/proc/sys/a/b": "0", **{k: v for k, v in live.items() if k.endswith("d")}}
    assert commands(monkeypatch, sysctls_live, {Sysctls: same}, values=values) == []


@pytest.mark.parametrize(
    ("answer", "synced"),
    [
        ("0A610002,10.97.0.2,9,1795238059.0,0.0,0.0,0.0,1.5,0.0,166.4,0.0,0.009,2.0,Normal", True),
        ("00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised", False),
        ("506 Cannot talk to daemon", False),
        ("", False),
    ],
)
def test_clock(monkeypatch: pytest.MonkeyPatch, answer: str, synced: bool) -> None:
    assert InSync().process([answer]) is synced
    yielded = commands(monkeypatch, in_sync, {InSync: synced}, timeout=30)
    assert (yielded == []) is synced


@pytest.mark.parametrize(
    ("chronyc", "said"),
    [
        ("true", ""),
        ("exit 1", "chrony is not running (chrony.service is inactive)"),
        (
            'case $2 in waitsync) [ "$*" != "-n waitsync 30 0 0 1" ] ;; '
            "sources) printf '%s\\n' 'MS Name' ==== '^? ntp.example' ;; esac",
            "not in sync after 30 s; chrony's sources:\n^? ntp.example\n"
            "no time server answered: ntp.example\n",
        ),
        (
            "[ $2 != waitsync ]",
            "it has no sources: the names of its servers cannot be resolved",
        ),
    ],
)
def test_waiting_for_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chronyc: str, said: str
) -> None:
    programs = {
        "chronyc": chronyc,
        "systemctl": "case $1 in is-active) echo inactive ;; esac",
        "journalctl": "true",
        "sleep": "true",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (text,) = texts(commands(monkeypatch, in_sync, {InSync: False}, timeout=30))
    ended = subprocess.run(
        ["sh", "-c", text],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in ended.stderr
    assert ended.returncode == (1 if said else 0)


def test_other_time_services_are_told_from_their_units() -> None:
    units = (
        "Id=systemd-timesyncd.service\nActiveState=inactive\nUnitFileState=masked\n\n"
        "Id=ntpsec.service\nActiveState=active\nUnitFileState=enabled\n\n"
        "Id=ntpsec.service\nActiveState=active\nUnitFileState=enabled\n\n"
        "Id=openntpd.service\nActiveState=inactive\nUnitFileState=enabled"
    )
    found = OtherTimeServices().process(units.splitlines())
    assert found == ("ntpsec.service", "openntpd.service")


@pytest.mark.parametrize(
    ("fails", "code", "calls"),
    [
        ("", 0, ["stop", "is-enabled", "disable", "is-enabled", "disable"]),
        # The units of packages that chrony's has replaced are gone.
        ("is-enabled", 0, ["stop", "is-enabled", "is-enabled"]),
        ("stop", 1, ["stop"]),
        ("disable", 1, ["stop", "is-enabled", "disable"]),
    ],
)
def test_other_time_services_are_turned_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: str, code: int, calls: list[str]
) -> None:
    facts = {OtherTimeServices: ("ntpsec.service", "openntpd.service")}
    (off,) = texts(commands(monkeypatch, others_off, facts))
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls; [ "$1" != "{fails}" ]\n')
    program.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    ended = subprocess.run(["sh", "-c", off], env={"PATH": path}, check=False)
    assert ended.returncode == code
    called = (tmp_path / "calls").read_text().splitlines()
    assert called[0] == "stop ntpsec.service openntpd.service"
    assert [call.split()[0] for call in called] == calls
    assert commands(monkeypatch, others_off, {}) == []
