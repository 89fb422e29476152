"""The parser of each rendered file: the one that its own program has, or as strict a one."""

from __future__ import annotations

import configparser
import ipaddress
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from typing import Any

import yaml


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
    ".repo": _ini,
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
"""By the end of a file's path."""
UNPARSED = (".asc", "/RPM-GPG-KEY-kubernetes", "/routes")
"""Keys, which are placeholders here, and a shell script."""
