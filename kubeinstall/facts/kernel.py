"""The kernel: its modules and its settings."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum

from pyinfra.api.facts import FactBase


class Module(StrEnum):
    """How the kernel has a module."""

    LOADED = "loaded"
    BUILT_IN = "built-in"
    MISSING = "missing"


_EVIDENCE = {
    "br_netfilter": "[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]",
    "tun": "[ -e /sys/class/misc/tun ]",
    **{
        name: f"gzip -dcq /proc/config.gz 2>/dev/null | grep -q '^CONFIG_{option}=y'"
        for name, option in {
            "vxlan": "VXLAN",
            "ipip": "NET_IPIP",
            "wireguard": "WIREGUARD",
        }.items()
    },
}
"""What a module brings: built-in ones need not show in /sys/module. A file system's is known."""


class Modules(FactBase[dict[str, Module]]):
    """How the kernel has each of ``names``; asked of the kernel, which may have no modules at all.

    Args:
        names: module names, with underscores.
    """

    @staticmethod
    def default() -> dict[str, Module]:
        return {}

    def command(self, names: tuple[str, ...]) -> str:
        return "\n".join(map(self._look, names)) + "\ntrue"

    @staticmethod
    def _look(name: str) -> str:
        module = shlex.quote(name)
        evidence = _EVIDENCE.get(name, f"grep -qsw {module} /proc/filesystems")
        return (
            # Only a module that was loaded from a file has an initstate.
            f"if [ -e /sys/module/{module}/initstate ]; then echo {module} loaded; "
            f"elif [ -d /sys/module/{module} ] || {evidence} "
            f'|| grep -qs "/{module}.ko" "/lib/modules/$(uname -r)/modules.builtin"; '
            f"then echo {module} built-in; fi"
        )

    def process(self, output: list[str]) -> dict[str, Module]:
        rows = [line.split() for line in output]
        return {row[0]: Module(row[1]) for row in rows if len(row) == 2}


class Sysctls(FactBase[dict[str, str]]):
    """The live values of kernel settings; those the kernel does not have are left out.

    Args:
        keys: e.g. ``net.ipv4.ip_forward``.
    """

    @staticmethod
    def default() -> dict[str, str]:
        return {}

    def command(self, keys: tuple[str, ...]) -> str:
        files = " ".join(shlex.quote(sysctl_path(key)) for key in keys)
        # Not the shell's read: it takes byte by byte, and these files give only their first one so.
        return f"grep -Hs '' {files} || true"

    def process(self, output: list[str]) -> dict[str, str]:
        pairs = [line.partition(":") for line in output]
        return {path: " ".join(value.split()) for path, _, value in pairs if path}


@dataclass(frozen=True)
class SysctlLine:
    """A line of a file in sysctl.d.

    Args:
        path: of the file.
        line: in it, from 1.
        key: e.g. ``net.ipv4.ip_forward``.
        value: what it sets that to.
    """

    path: str
    line: int
    key: str
    value: str


class SysctlLines(FactBase[tuple[SysctlLine, ...]]):
    """What files of sysctl.d set at boot, in any of its folders.

    Args:
        keys: the settings that are of interest.
    """

    @staticmethod
    def default() -> tuple[SysctlLine, ...]:
        return ()

    def command(self, keys: tuple[str, ...]) -> str:
        folders = ("/etc", "/run", "/usr/local/lib", "/usr/lib")
        files = " ".join(f"{folder}/sysctl.d/*.conf" for folder in folders)
        names = "|".join(re.escape(key).replace(r"\.", "[./]") for key in keys)
        pattern = shlex.quote(rf"^[[:space:]]*-?({names})[[:space:]]*=")
        return f"grep -HnE {pattern} {files} 2>/dev/null || true"

    def process(self, output: list[str]) -> tuple[SysctlLine, ...]:
        found = []
        for text in output:
            match = re.match(r"([^:]+):([0-9]{1,7}):\s*-?([^=\s]+)\s*=(.*)", text)
            if match:
                key = match[3].replace("/", ".")
                found.append(SysctlLine(match[1], int(match[2]), key, " ".join(match[4].split())))
        return tuple(found)


def sysctl_path(key: str) -> str:
    """The file of a setting: dots part it, and a slash stands for a dot (sysctl.d(5))."""
    return "/proc/sys/" + key.translate(str.maketrans("./", "/."))
