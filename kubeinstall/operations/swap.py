"""Swap: off, and off after the next boot."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.swap import Swap
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command

_COMMENT = (
    f"{backups.copied('/etc/fstab')}; "
    r"sed -i -E 's/^[[:space:]]*[^#[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap"
    r"([[:space:]].*)?$/# off for Kubernetes: &/' /etc/fstab"
)

_WAAGENT = (
    f"{backups.copied('/etc/waagent.conf')}; "
    r"sed -i -E 's/^([[:space:]]*ResourceDisk\.EnableSwap=)y/\1n/' /etc/waagent.conf"
)


@operation()
def swap_off() -> Generator[Command]:
    """No swap: the kubelet refuses to run with it, and what it promises pods would not hold.

    Lines of /etc/fstab are commented out (a copy is kept beside it), swap units masked, services
    and generators of zram swap turned off, and what is in use is given back. Without swap.target
    systemd starts no swap at boot, whichever name its device has by then.
    """
    swap = host.get_fact(Swap)
    if swap.fstab:
        yield Command(_COMMENT)
    if swap.services:
        yield Command(f"systemctl disable --now --quiet {_quoted(swap.services)}")
    for name in swap.zram:
        yield Command(_empty(f"/etc/systemd/{name}"))
    if swap.waagent:
        yield Command(_WAAGENT)
    if swap.active:
        yield Command("swapoff -a")
    for unit in swap.units:
        yield Command(_mask(unit))
    if swap.target:
        # It counts at boot: what runs need not be read again for it.
        yield Command("systemctl mask --quiet --no-reload swap.target")
    if swap.fstab or swap.zram:
        yield Command("systemctl daemon-reload")


def _empty(path: str) -> str:
    """Turn zram-generator off in its own way: an empty file where it looks first."""
    file = shlex.quote(path)
    folder = shlex.quote(path.rpartition("/")[0])
    return f"{backups.moved(path)}; mkdir -p {folder} && : > {file}"


def _mask(unit: str) -> str:
    """Mask a unit; a file that was put where the mask goes is kept beside it."""
    file, name = f"/etc/systemd/system/{unit}", shlex.quote(unit)
    return (
        f"systemctl disable --quiet {name} 2>/dev/null; "
        f"{backups.aside(file)}; systemctl mask --quiet {name}"
    )


def _quoted(names: tuple[str, ...]) -> str:
    return " ".join(map(shlex.quote, names))
