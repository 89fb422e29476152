"""Kernel settings: as wanted in the running kernel; for the next boot see ``files``."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.kernel import Sysctls, sysctl_path
from kubeinstall.operations.commands import Command

Values = tuple[tuple[str, str], ...]
"""Keys and values, e.g. ``(("net.ipv4.ip_forward", "1"),)``."""


@operation()
def sysctls_live(values: Values) -> Generator[Command]:
    """The running kernel's settings.

    Args:
        values: keys and values. A key that the kernel does not have or does not let be written
            fails, with its name.
    """
    live = host.get_fact(Sysctls, keys=tuple(key for key, _ in values))
    different = [(k, v) for k, v in values if live.get(sysctl_path(k)) != " ".join(v.split())]
    if different:
        yield Command("\n".join(map(_write, different)))


def _write(item: tuple[str, str]) -> str:
    key, value = item
    file, name = shlex.quote(sysctl_path(key)), shlex.quote(key)
    return (
        f"[ -e {file} ] || {{ echo 'the kernel has no setting' {name} >&2; exit 1; }}\n"
        f"echo {shlex.quote(value)} > {file} || "
        f"{{ echo 'the kernel rejects' {name}={shlex.quote(value)} >&2; exit 1; }}"
    )
