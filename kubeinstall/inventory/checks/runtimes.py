"""Programs out of an archive, and runtimes beside the usual one."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.inventory.model import InventoryFile, RuntimeName, VerifiedFile
from kubeinstall.inventory.model.runtime import RUNC_TYPE
from kubeinstall.inventory.positions import Issue, Loc, dotted

_ARCHIVE: Loc = ("cluster", "runtime", "archive")
_CLASSES: Loc = ("cluster", "runtime", "classes")


def archive(inventory: InventoryFile) -> Iterator[Issue]:
    """containerd's archive is one file, and all that containerd comes from."""
    runtime = inventory.cluster.runtime
    if runtime.archive is None:
        return
    if runtime.name is not RuntimeName.CONTAINERD:
        yield Issue(
            _ARCHIVE,
            f"{dotted(_ARCHIVE)}: it is only for containerd, not for {runtime.name}",
            next="remove it, or set `name: containerd`",
            at_key=True,
        )
    yield from _one_origin(_ARCHIVE, runtime.archive)
    if runtime.archive.runc:
        yield from _one_origin((*_ARCHIVE, "runc"), runtime.archive.runc)
    for key in ("package", "version"):
        if getattr(runtime, key):
            loc = ("cluster", "runtime", key)
            yield Issue(
                loc,
                f"{dotted(loc)} is not used: containerd comes from an archive",
                next="remove one of the two",
                at_key=True,
            )


def logs(inventory: InventoryFile) -> Iterator[Issue]:
    """The kubelet, which rotates logs for containerd, keeps more than one."""
    runtime = inventory.cluster.runtime
    if runtime.name is RuntimeName.CONTAINERD and runtime.log_max_files < 2:
        loc = ("cluster", "runtime", "log_max_files")
        yield Issue(
            loc,
            f"{dotted(loc)}: containerd needs at least 2 logs per container",
            why="the kubelet does not start with containerLogMaxFiles 1",
            next="set it to 2 or more",
        )


def helm(inventory: InventoryFile) -> Iterator[Issue]:
    """Helm's archive is one file."""
    if inventory.cluster.helm:
        yield from _one_origin(("cluster", "helm"), inventory.cluster.helm)


def _one_origin(loc: Loc, given: VerifiedFile) -> Iterator[Issue]:
    """A file is either on this machine, or fetched by the hosts."""
    if (given.file is None) == (given.url is None):
        both = given.file is not None
        yield Issue(
            loc,
            f"{dotted(loc)} has {'both a file and a url' if both else 'no file and no url'}",
            next="keep the one to install from"
            if both
            else "add `file: PATH` on this machine, or `url: URL` for the hosts to download",
            at_key=True,
        )


def classes(inventory: InventoryFile) -> Iterator[Issue]:
    """Runtime classes are containerd's, and each is one that containerd can run."""
    runtime = inventory.cluster.runtime
    if runtime.classes and runtime.name is not RuntimeName.CONTAINERD:
        yield Issue(
            _CLASSES,
            f"{dotted(_CLASSES)}: {runtime.name} has no runtime classes",
            next="remove it, or set `name: containerd`",
            at_key=True,
        )
    for name, given in runtime.classes.items():
        loc = (*_CLASSES, name)
        if name == "runc":
            yield Issue(
                loc,
                f"{dotted(loc)}: runc is the runtime of all pods without a class",
                next="use another name for the class",
                at_key=True,
            )
        elif given.binary and given.type != RUNC_TYPE:
            yield Issue(
                (*loc, "binary"),
                f"{dotted((*loc, 'binary'))}: only {RUNC_TYPE} can run another binary",
                why=f"containerd finds the shim of type {given.type} by its name, e.g. in "
                "/usr/local/bin",
                next=f"remove binary, or type: {RUNC_TYPE} is the default",
                at_key=True,
            )
        elif given.type == RUNC_TYPE and not given.binary and not given.options:
            yield Issue(
                loc,
                f"{dotted(loc)}: it is the same as having no class: runc",
                next="set another binary, e.g. `binary: /usr/bin/crun`, or another `type`",
                at_key=True,
            )
