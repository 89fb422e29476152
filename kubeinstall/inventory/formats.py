"""The forms that values of the inventory have: patterns, and what to call them.

The patterns stay inside what Python, Rust (pydantic) and ECMAScript (JSON Schema) share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from kubeinstall.releases import DEFAULT, Version
from kubeinstall.releases.accelerators import ACCELERATORS

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_ANY_LABEL = r"[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_HOST = rf"{_ANY_LABEL}(\.{_ANY_LABEL})*"
# As directories (SSSD, winbind) have them too: admin@corp.example, CORP\\admin.
_LOGIN = r"[A-Za-z_][-A-Za-z0-9_.+@\\]*"
_IPV6 = r"\[[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+\]"

DNS_LABEL = rf"^{_LABEL}$"
DNS_NAME = rf"^{_LABEL}(\.{_LABEL})*$"
HOST_NAME = rf"^{_HOST}$"
_LOWER = rf"{_LABEL}(\.{_LABEL})*"
ENDPOINT = rf"^({_LOWER})$"
"""Kubernetes' own names are stricter than DNS: IsDNS1123Subdomain in apimachinery's validation."""
SAN = rf"^((\*\.)?{_LOWER}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)$"
LOGIN = rf"^{_LOGIN}$"
BASTION = rf"^({_LOGIN}@)?({_HOST}|{_IPV6})(:[0-9]{{1,5}})?$"
LOCAL_LOGIN = r"^[a-z_][-a-z0-9_]{0,31}$"
PACKAGE = r"^[a-z0-9][a-z0-9+.-]+$"
PACKAGE_VERSION = r"^[0-9][-A-Za-z0-9.+~:]*$"
REGISTRY = rf"^{_HOST}(:[0-9]{{1,5}})?$"
REGISTRY_USER = r"^[^\s:]+$"
_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
"""Of an image's name, as runtimes take it: the reference grammar of distribution/reference."""
REPOSITORY = rf"^{_HOST}(:[0-9]{{1,5}})?(/{_COMPONENT})*$"
IMAGE = (
    rf"^({_HOST}(:[0-9]{{1,5}})?/)?{_COMPONENT}(/{_COMPONENT})*"
    r"(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?(@sha256:[0-9a-f]{64})?$"
)
DEBIAN_SUITE = r"^[a-z]+$"
URL = r"^https?://[^/\s'\"]+(/[^/\s'\"]+)*$"
ACCELERATOR = rf"^({'|'.join(ACCELERATORS)}|https?://[^/\s'\"]+(/[^/\s'\"]+)*)$"
PROXY = (
    r"^https?://([^\s/@:'\"\\$`]+(:[^\s/@:'\"\\$`]*)?@)?[A-Za-z0-9][-A-Za-z0-9._]*(:[0-9]{1,5})?/?$"
)
NO_PROXY = rf"^([0-9]{{1,3}}(\.[0-9]{{1,3}}){{3}}/[0-9]{{1,2}}|(\*?\.)?{_HOST}(:[0-9]{{1,5}})?)$"
SIZE = r"^[1-9][0-9]*[kmg]$"
FEATURE_GATE = r"^[A-Z][A-Za-z0-9]*$"
DURATION = r"^(0|[0-9]+h([0-9]+m)?([0-9]+s)?|[0-9]+m([0-9]+s)?|[0-9]+s)$"
HOURS = r"^[1-9][0-9]*h$"
FINGERPRINT = r"^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$"
SYSCTL = r"^[a-z0-9_]+([./][-A-Za-z0-9_]+)+$"
UNSAFE_SYSCTL = r"^[a-z0-9_]+([./][-A-Za-z0-9_]+)*([./]?\*)?$"
RESOURCE = r"^(cpu|memory|ephemeral-storage|pid)$"
EVICTION_SIGNAL = r"^(memory\.available|pid\.available|(nodefs|imagefs)\.(available|inodesFree))$"
_AMOUNT = r"[0-9]+(\.[0-9]+)?(m|k|Ki|[MGTPE]i?)?"
QUANTITY = rf"^{_AMOUNT}$"
THRESHOLD = rf"^({_AMOUNT}|(100|[0-9]{{1,2}}(\.[0-9]+)?)%)$"
_ADDRESS = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
_EXPRESSION = r"[^\s'\"]+"
_CIDR = rf"{_ADDRESS}/[0-9]{{1,2}}"
FLANNEL_INTERFACE = (
    rf"^(node-ip|default-route|can-reach={_ADDRESS}|regex={_EXPRESSION}"
    r"|[A-Za-z0-9][-A-Za-z0-9_.@]{0,14})$"
)
ADDRESS_METHOD = (
    rf"^(node-ip|first-found|can-reach={_HOST}|(skip-)?interface={_EXPRESSION}"
    rf"|cidr={_CIDR}(,{_CIDR})*)$"
)
NOT_EMPTY = r"\S"
SHA256 = r"^[0-9a-f]{64}$"
RELEASE = r"^[0-9]+\.[0-9]+\.[0-9]+$"
ARCHIVE_URL = r"^https?://[^/\s'\"]+(/[^/\s'\"]+)+\.(tgz|tar\.gz|deb|rpm)$"
ABSOLUTE_PATH = r"^(/[-A-Za-z0-9._+]+)+$"
RUNTIME_TYPE = r"^[a-z0-9]+(\.[a-z0-9-]+)+\.v[0-9]+$"
VERSION = r"^v?[0-9]+\.[0-9]+\.[0-9]+$"


@dataclass(frozen=True)
class Form:
    """What a form is called (after "is not ...") and what it looks like."""

    name: str
    example: str


_DNS = "made of lower case letters, digits, '-'"
FORMS = {
    DNS_LABEL: Form(f"a DNS label ({_DNS} inside)", "kubernetes"),
    DNS_NAME: Form(f"a DNS name ({_DNS} and '.' inside)", "node-1 or example.org"),
    HOST_NAME: Form("an address or a DNS name", "10.0.0.10 or api.example.org"),
    ENDPOINT: Form(f"an address or a DNS name ({_DNS} and '.' inside)", "api.example.org"),
    SAN: Form(f"an address or a DNS name ({_DNS} and '.' inside)", "api.example.org"),
    LOGIN: Form("a login name", "debian or admin@corp.example"),
    LOCAL_LOGIN: Form("a login name of lower case letters, digits, '-' and '_'", "debian"),
    BASTION: Form(
        "of the form [user@]host[:port]", "debian@gate.example.org:22 or [2001:db8::1]:22"
    ),
    PACKAGE: Form("a Debian package name", "containerd.io"),
    PACKAGE_VERSION: Form("a Debian version", "1.7.24-1"),
    REGISTRY: Form(
        "a registry (host or host:port, without https://)", "docker.io or 10.0.0.2:5000"
    ),
    REGISTRY_USER: Form("a login name (no colon, no spaces)", "robot"),
    REPOSITORY: Form(
        "an image repository (host[:port][/path], without https://)", "registry.example.org/k8s"
    ),
    IMAGE: Form("an image reference", "docker.io/library/busybox:1.37"),
    URL: Form("an http or https URL without a slash at its end", "https://mirror.example.org/k8s"),
    ACCELERATOR: Form(
        f"an accelerator ({', '.join(ACCELERATORS)}) or a URL without a slash at its end",
        "daocloud or https://ID.mirror.aliyuncs.com",
    ),
    NO_PROXY: Form("an address, a network, a DNS name or a domain", "192.0.2.0/24 or .example.org"),
    SIZE: Form("a number above 0 with k, m or g", "10m"),
    DURATION: Form("a duration of hours, minutes and seconds", "24h or 1h30m, or 0 for never"),
    HOURS: Form("a number of hours", "8760h"),
    FINGERPRINT: Form(
        "the fingerprint of an OpenPGP key (40 hexadecimal digits, without spaces)",
        "DE15B14486CD377B9E876E1A234654DA9A296436",
    ),
    SYSCTL: Form("the name of a sysctl", "net.core.somaxconn"),
    UNSAFE_SYSCTL: Form(
        "the name of a sysctl, or the start of one and *", "net.core.somaxconn or kernel.msg*"
    ),
    RESOURCE: Form("a resource (cpu, memory, ephemeral-storage, pid)", "cpu: 500m"),
    EVICTION_SIGNAL: Form(
        "an eviction signal",
        "memory.available: 200Mi",
    ),
    QUANTITY: Form("a quantity as Kubernetes writes it", "500m or 1Gi"),
    THRESHOLD: Form("a quantity as Kubernetes writes it, or a percentage", "200Mi or 10%"),
    FEATURE_GATE: Form("the name of a feature gate", "EtcdLearnerMode"),
    FLANNEL_INTERFACE: Form(
        "an interface's name, node-ip, default-route, can-reach=ADDRESS or regex=EXPRESSION", "eth1"
    ),
    ADDRESS_METHOD: Form(
        "node-ip, first-found, can-reach=ADDRESS, interface=EXPRESSIONS, "
        "skip-interface=EXPRESSIONS or cidr=NETWORKS",
        "interface=eth1 or cidr=10.0.0.0/24",
    ),
    NOT_EMPTY: Form("text; it is empty", ""),
    SHA256: Form("a SHA-256 checksum (64 hex digits, lower case)", ""),
    RELEASE: Form("a version of three numbers", "0.3.26"),
    ABSOLUTE_PATH: Form("an absolute path without spaces", "/usr/bin/crun"),
    RUNTIME_TYPE: Form("the type of a containerd runtime", "io.containerd.runsc.v1"),
    ARCHIVE_URL: Form(
        "the URL of a .tgz, .tar.gz, .deb or .rpm", "https://mirror.example.org/cri-dockerd.tgz"
    ),
}


def exact_version(value: Any) -> str:
    """An exact Kubernetes version without the ``v``.

    Raises:
        PydanticCustomError: it is another form, e.g. 1.20, which YAML reads as a number.
    """
    text = str(value)
    try:
        return str(Version.parse(text))
    except ValueError:
        pass
    advice = f"write it like {DEFAULT}"
    reason = "an exact version"
    if isinstance(value, float) or re.fullmatch(r"v?\d+\.\d+", text):
        reason = "an exact version: the patch number is missing"
        advice = f"write all three numbers, e.g. {DEFAULT}"
    raise PydanticCustomError("form", "{reason}", {"reason": reason, "advice": advice})


def real_address(text: str) -> str:
    """A name or address; what looks like an address is one.

    Raises:
        PydanticCustomError: it looks like one and is none, e.g. 10.0.0.300 or :::1.
    """
    looks = ":" in text or text.rpartition(".")[2].isdigit()
    if looks:
        try:
            ip_address(text)
        except ValueError:
            reason, advice = "a valid address", "write it like 10.0.0.10"
            raise PydanticCustomError(
                "form", "{reason}", {"reason": reason, "advice": advice}
            ) from None
    return text


def real_port(text: str) -> str:
    """A URL, registry or repository; a port in it is one.

    Raises:
        PydanticCustomError: its port is above 65535, or 0.
    """
    try:
        port = urlsplit(text if "://" in text else f"//{text}").port
    except ValueError:
        port = 0
    if port == 0:
        reason, advice = "a valid address: ports are 1 to 65535", "write another port"
        raise PydanticCustomError("form", "{reason}", {"reason": reason, "advice": advice})
    return text


def real_duration(text: str | None) -> str | None:
    """A duration that Go can hold in its 64 bits of nanoseconds: 292 years.

    Raises:
        PydanticCustomError: it is longer.
    """
    units = {"h": 3600, "m": 60, "s": 1}
    found = re.findall(r"([0-9]+)([hms])", text or "")
    if (
        any(len(n) > 12 for n, _ in found)
        or sum(int(n) * units[u] for n, u in found) >= 2**63 / 1e9
    ):
        reason, advice = "short enough: kubeadm accepts at most 292 years", "write it like 87600h"
        raise PydanticCustomError("form", "{reason}", {"reason": reason, "advice": advice})
    return text


def real_networks(text: str) -> str:
    """How an address or interface is found, or a network: what is written like one is one.

    Raises:
        PydanticCustomError: an address or a network in it is none.
    """
    kind, sign, value = text.partition("=")
    try:
        if kind == "can-reach":
            real_address(value)
        elif kind == "cidr" or (not sign and "/" in text):
            for cidr in (value or text).split(","):
                ip_network(cidr, strict=False)
    except PydanticCustomError:
        raise
    except ValueError as error:
        reason = f"valid: {error}"
        raise PydanticCustomError("form", "{reason}", {"reason": reason, "advice": ""}) from None
    return text


def only_text(value: Any) -> Any:
    """Numbers are no addresses, though Python's ipaddress takes them.

    Raises:
        PydanticCustomError: the value is a number.
    """
    if isinstance(value, int | float):
        raise PydanticCustomError("ip_v4_address", "not text")
    return value


def number_as_text(value: Any) -> Any:
    """A whole number as text: a name such as 163 needs no quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def zero_as_text(value: Any) -> Any:
    """The number 0 as text: the one duration that needs no unit."""
    return "0" if value == 0 and not isinstance(value, bool) else value
