"""Swap: off, and off after the next boot."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import BACKUP_SUFFIX
from kubeinstall.facts.swap import Swap
from kubeinstall.operations.commands import Command

_COMMENT = (
    f"[ -e /etc/fstab{BACKUP_SUFFIX} ] || cp -a /etc/fstab /etc/fstab{BACKUP_SUFFIX}; "
    r"sed -i -E 's/^[[:space:]]*[^#[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap"
    r"([[:space:]].*)?$/# off for Kubernetes: &/' /etc/fstab"
)


@operation()
def swap_off() -> Generator[Command]:
    """No swap: the kubelet refuses to run with it, and what it promises pods would not hold.

    Lines of /etc/fstab are commented out (a copy is kept beside it), swap units masked, services
    and generators of zram swap turned off, and what is in use is given back.
    """
    swap = host.get_fact(Swap)
    if swap.fstab:
        yield Command(_COMMENT)
    if swap.services:
        yield Command(f"systemctl disable --now --quiet {_quoted(swap.services)}")
    if swap.zram:
        # zram-generator's own way to turn it off: an empty file where it looks first.
        file = "/etc/systemd/zram-generator.conf"
        yield Command(
            f"[ ! -e {file} ] || [ -e {file}{BACKUP_SUFFIX} ] || mv {file} {file}{BACKUP_SUFFIX}; "
            f"mkdir -p /etc/systemd && : > {file}"
        )
    if swap.active:
        yield Command("swapoff -a")
    for unit in swap.units:
        yield Command(_mask(unit))
    if swap.fstab or swap.zram:
        yield Command("systemctl daemon-reload")


def _mask(unit: str) -> str:
    """Mask a unit; a file that was put where the mask goes is kept beside it."""
    file, name = shlex.quote(f"/etc/systemd/system/{unit}"), shlex.quote(unit)
    return (
        f"systemctl disable --quiet {name} 2>/dev/null; "
        f"[ ! -f {file} ] || mv {file} {file}{BACKUP_SUFFIX}; systemctl mask --quiet {name}"
    )


def _quoted(names: tuple[str, ...]) -> str:
    return " ".join(map(shlex.quote, names))
