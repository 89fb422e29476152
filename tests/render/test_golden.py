"""Every file for every host of some inventories: as the golden copy, and readable by its parser.

After a wanted change: ``pytest tests/render --update-golden``, and read the difference.
"""

from __future__ import annotations

import configparser
import ipaddress
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.cli import COMMANDS
from kubeinstall.deploys.rendered import rendered
from kubeinstall.families import FAMILIES, Family
from kubeinstall.families.debian import DEBIAN
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.load import load
from tests.running import kubeinstall

pytestmark = pytest.mark.render

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
INVENTORIES = {path.stem: path for path in sorted((HERE / "inventories").glob("*.yaml"))}


def files(name: str, family: Family = DEBIAN) -> dict[str, RenderedFile]:
    """Each file by ``host/path``."""
    cluster = load(INVENTORIES[name], {}, files_must_exist=False)
    return {
        f"{h.name}{f.path}": f for h in cluster.hosts for f in rendered(cluster, h, family=family)
    }


@pytest.mark.parametrize("name", INVENTORIES)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    found = {path: file.content for path, file in files(name).items()}
    _compare(GOLDEN / name, found, request)


@pytest.mark.parametrize("family", FAMILIES[1:], ids=lambda family: family.name)
def test_golden_of_a_family(family: Family, request: pytest.FixtureRequest) -> None:
    """What it has otherwise than Debian."""
    usual, own = files("containerd-1.36"), files("containerd-1.36", family)
    found = {path: file.content for path, file in own.items() if usual.get(path) != file}
    _compare(GOLDEN / "families" / family.name, found, request)
    gone = {path.partition("/")[2] for path in usual.keys() - own.keys()}
    assert all(path.startswith(("etc/apt/", "etc/chrony/", "etc/needrestart/")) for path in gone)
    for path, content in found.items():
        if path.endswith(".repo"):
            _ini(content)


def _compare(folder: Path, found: dict[str, str], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden", False):
        _write(folder, found)
    expected = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}
    assert set(found) == set(expected)
    for path, content in found.items():
        assert content == expected[path], path


def _write(folder: Path, found: dict[str, str]) -> None:
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        path.unlink()
    for name, content in found.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


def _yaml(text: str) -> None:
    for document in yaml.safe_load_all(text):
        assert set(document) >= {"apiVersion", "kind"}


def _crictl(text: str) -> None:
    settings = yaml.safe_load(text)
    assert settings["runtime-endpoint"].startswith("unix:///")
    assert settings["image-endpoint"] == settings["runtime-endpoint"]


def _ini(text: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    assert parser.sections()


def _pairs(text: str) -> None:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(f"[sysctl]\n{text}")
    assert all(value.strip() for _, value in parser.items("sysctl"))


def _words(*firsts: str) -> Callable[[str], None]:
    """Lines that begin with one of some words, or with # or nothing."""

    def parse(text: str) -> None:
        for line in text.splitlines():
            assert not line or line[0] == "#" or line.split()[0] in firsts, line

    return parse


def _hosts(text: str) -> None:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            address, *names = line.split()
            ipaddress.ip_address(address)
            assert names


def _variables(text: str) -> None:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        (word,) = shlex.split(line)
        assert word.partition("=")[0] in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def _apt(text: str) -> None:
    for line in text.splitlines():
        assert line.startswith("//") or re.fullmatch(r'Acquire::https?::Proxy\S* "\S*";', line), (
            line
        )


_CHRONY = (
    *("server", "makestep", "rtcsync", "driftfile"),
    *("ntsdumpdir", "keyfile", "logdir", "leapsectz"),
)


def _apt_conf(text: str) -> None:
    """Statements between one pair of braces, each with its semicolon; comments beside them."""
    lines = [line for line in text.splitlines() if not line.startswith("//")]
    assert lines[0].endswith("{"), text
    assert all(line.endswith(";") for line in lines[1:]), text
    assert lines[-1] == "};", text


def _perl(text: str) -> None:
    assert re.search(r"^\$nrconf\{override_rc\}\{qr\(\^.*\)\} = 0;$", text, re.MULTILINE), text
    # needrestart takes what the file evaluates to for whether it could be read.
    assert text.endswith("\n1;\n"), text


PARSERS: dict[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".conflist": json.loads,
    ".toml": tomllib.loads,
    "/kubeadm.yaml": _yaml,
    "etc/crictl.yaml": _crictl,
    ".service": _ini,
    "kubeinstall-proxy.conf": _ini,
    "proxy.env": _variables,
    "apt.conf.d/95kubeinstall-proxy": _apt,
    "sysctl.d/99-zz-kubeinstall.conf": _pairs,
    "modules-load.d/kubeinstall.conf": _words("overlay", "br_netfilter"),
    "chrony.conf": _words(*_CHRONY),
    "kubernetes.list": _words("deb"),
    "apt.conf.d/52kubeinstall": _apt_conf,
    "needrestart/conf.d/kubeinstall.conf": _perl,
    "etc/hosts": _hosts,
    "etc/hostname": _words("cp1", "w1", "w1.example.org", "node-1"),
}
UNPARSED = (".asc", "/routes")


@pytest.mark.parametrize("name", INVENTORIES)
def test_each_file_is_read_by_its_parser(name: str) -> None:
    for path, file in files(name).items():
        if path.endswith(UNPARSED):
            continue
        (parse,) = [parse for end, parse in PARSERS.items() if path.endswith(end)]
        parse(file.content)


@pytest.mark.parametrize("name", INVENTORIES)
def test_every_text_file_of_ours_says_so(name: str) -> None:
    for path, file in files(name).items():
        if path.endswith((".json", ".conflist", ".asc", "/hostname")):
            continue
        assert "kubeinstall" in file.content, path


def test_the_command_writes_the_same(tmp_path: Path) -> None:
    assert "render" in COMMANDS
    name, inventory = next(iter(INVENTORIES.items()))
    kubeinstall("render", "-i", inventory, "-o", tmp_path / "out").ok()
    out = tmp_path / "out"
    written = {str(p.relative_to(out)): p for p in out.rglob("*") if p.is_file()}
    expected = files(name)
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
