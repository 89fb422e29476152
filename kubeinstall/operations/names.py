"""Names: a host's own, and those of its peers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Mapping
from types import MappingProxyType

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import File
from kubeinstall.facts.identity import Hostname
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile

HOSTS = "/etc/hosts"
BEGIN = "# BEGIN kubeinstall"
END = "# END kubeinstall"
_BLOCK = re.compile(rf"^{BEGIN}$.*?^{END}$\n?", re.MULTILINE | re.DOTALL)


@operation()
def hostname(wanted: str) -> Generator[Command]:
    """The host's name, now and after a boot.

    Args:
        wanted: what the node will be called.
    """
    names = host.get_fact(Hostname)
    if names.live != wanted or names.static != wanted:
        quoted = shlex.quote(wanted)
        # hostnamectl needs D-Bus, which a small host may lack.
        yield Command(
            f"hostnamectl set-hostname {quoted} 2>/dev/null || "
            f"{{ echo {quoted} > /etc/hostname && hostname {quoted}; }}"
        )


def with_names(
    text: str, addresses: Mapping[str, str], kept: Mapping[str, str] = MappingProxyType({})
) -> str:
    """A hosts file in which these names mean these addresses and nothing else.

    Lines of others that give one of the names, such as the installer's 127.0.1.1, lose it.

    Args:
        text: the file as it is.
        addresses: by name.
        kept: names whose line between our markers stays, if it gives that address.
    """
    lines = [_without(line, addresses) for line in _outside(text)]
    names: dict[str, list[str]] = {}
    addresses = {**addresses, **_kept(text, addresses, kept)}
    for name, address in addresses.items():
        names.setdefault(address, []).append(name)
    block = [BEGIN, *(f"{address} {' '.join(own)}" for address, own in names.items()), END]
    return "\n".join([*(line for line in lines if line is not None), *block, ""])


def _kept(text: str, addresses: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """What stays of the lines between our markers, by name: a line never comes by being kept."""
    found: dict[str, str] = {}
    for line in _inside(text):
        address, *names = line.split()
        if any(kept.get(name) == address for name in names):
            found |= {name: address for name in names if name not in addresses}
    return found


def _inside(text: str) -> list[str]:
    """The lines between our markers."""
    block = _BLOCK.search(text)
    return [line for line in block[0].splitlines()[1:-1] if line.strip()] if block else []


def _outside(text: str) -> list[str]:
    """The lines that are not between our markers, nor a marker that lost its other half."""
    return [line for line in _BLOCK.sub("", text).splitlines() if line not in (BEGIN, END)]


def _without(line: str, names: Mapping[str, str]) -> str | None:
    """The line less these names; None where nothing is left of it."""
    entry, hash_sign, comment = line.partition("#")
    words = entry.split()
    kept = [word for word in words[1:] if word not in names]
    if len(kept) == len(words[1:]):
        return line
    if not kept:
        return None
    return " ".join([words[0], *kept]) + (f" {hash_sign}{comment}" if hash_sign else "")


@operation()
def etc_hosts(
    addresses: tuple[tuple[str, str], ...], kept: tuple[tuple[str, str], ...] = ()
) -> Generator[Command]:
    """Names in /etc/hosts, between markers; the rest of the file stays as it is.

    Args:
        addresses: names and their addresses.
        kept: the same, for names whose line stays where there is one.
    """
    old = host.get_fact(File, path=HOSTS)
    text = old.content.decode(errors="replace") if old else ""
    new = with_names(text, dict(addresses), dict(kept))
    if new != text:
        if old and not old.backed_up:
            yield Command(backups.copied(HOSTS))
        mode = old.mode if old else "644"
        yield WriteFile(HOSTS, new, mode, holds=Holds.PUBLIC, old=old)
