"""Runtime classes: what containerd and the cluster are told of them, from the inventory alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubeinstall.inventory.model import Cluster, RuntimeClass, RuntimeName
from kubeinstall.inventory.model.runtime import RUNC_TYPE


def handlers(cluster: Cluster) -> dict[str, Any]:
    """containerd's runtimes by the name that the CRI calls them by; runc is the default one."""
    given = {"runc": RuntimeClass(), **cluster.spec.runtime.classes}
    return {name: _handler(runtime) for name, runtime in given.items()}


def _handler(runtime: RuntimeClass) -> dict[str, Any]:
    """One of them, as containerd's configuration has it in all its versions."""
    options: dict[str, Any] = {}
    if runtime.type == RUNC_TYPE:
        options["SystemdCgroup"] = True
    if runtime.binary:
        options["BinaryName"] = runtime.binary
    options.update(runtime.options)
    return {"runtime_type": runtime.type, **({"options": options} if options else {})}


def packages(cluster: Cluster) -> Sequence[str]:
    """The packages that bring the runtimes, each once."""
    classes = cluster.spec.runtime.classes.values()
    return list(dict.fromkeys(one.package for one in classes if one.package))


def names(cluster: Cluster) -> tuple[str, ...]:
    """The runtime classes that the cluster should have; each has a handler of its own name."""
    runtime = cluster.spec.runtime
    return tuple(runtime.classes) if runtime.name is RuntimeName.CONTAINERD else ()
