"""Kernel modules: loaded, now and after a boot."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import File
from kubeinstall.facts.kernel import Module, Modules
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import MARKER, Holds, managed_file


def modules_file(modules: dict[str, Module]) -> str:
    """The content for /etc/modules-load.d.

    What is built in is only named in a comment: where the kernel has no modules at all, asking for
    one makes systemd-modules-load.service fail at every boot.
    """
    lines = [f"# {MARKER}."]
    built_in = [name for name, how in modules.items() if how is Module.BUILT_IN]
    if built_in:
        lines.append(f"# Built into this kernel: {', '.join(built_in)}")
    return "\n".join([*lines, *(name for name in modules if name not in built_in), ""])


@operation()
def modules_loaded(names: tuple[str, ...], path: str) -> Generator[Command]:
    """Modules that are there, loaded or built in, and will be after a boot.

    Args:
        names: module names, with underscores.
        path: a file of our own in /etc/modules-load.d.
    """
    found = host.get_fact(Modules, names=names)
    host.get_fact(File, path=path)  # Asked for now, so that both are read at once.
    for name in names:
        if name not in found:
            quoted = shlex.quote(name)
            yield Command(
                f"modprobe {quoted} || {{ echo 'the kernel has no module' {quoted} >&2; exit 1; }}"
            )
    found = host.get_fact(Modules, names=names)
    content = modules_file({name: found.get(name, Module.LOADED) for name in names})
    yield from managed_file._inner(path=path, content=content, holds=Holds.PUBLIC)
