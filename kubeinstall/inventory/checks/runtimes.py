"""Runtimes beside the usual one."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.inventory.model import InventoryFile, RuntimeName
from kubeinstall.inventory.model.runtime import RUNC_TYPE
from kubeinstall.inventory.source import Issue, Loc, dotted

_CLASSES: Loc = ("cluster", "runtime", "classes")


def classes(inventory: InventoryFile) -> Iterator[Issue]:
    """Runtime classes are containerd's, and each is one that containerd can run."""
    runtime = inventory.cluster.runtime
    if runtime.classes and runtime.name is not RuntimeName.CONTAINERD:
        yield Issue(
            _CLASSES,
            f"{dotted(_CLASSES)}: {runtime.name} has no runtime classes",
            next="take it out, or set `name: containerd`",
            at_key=True,
        )
    for name, given in runtime.classes.items():
        loc = (*_CLASSES, name)
        if name == "runc":
            yield Issue(
                loc,
                f"{dotted(loc)}: runc is the runtime of all pods without a class",
                next="give the class another name",
                at_key=True,
            )
        elif given.binary and given.type != RUNC_TYPE:
            yield Issue(
                (*loc, "binary"),
                f"{dotted((*loc, 'binary'))}: only {RUNC_TYPE} runs another program",
                why=f"a shim of type {given.type} is found by its name, e.g. in /usr/local/bin",
                next=f"take out binary, or type: {RUNC_TYPE} is the default",
                at_key=True,
            )
        elif given.type == RUNC_TYPE and not given.binary and not given.options:
            yield Issue(
                loc,
                f"{dotted(loc)}: it is the same as having no class: runc",
                next="name another program, `binary: /usr/bin/crun`, or another `type`",
                at_key=True,
            )
