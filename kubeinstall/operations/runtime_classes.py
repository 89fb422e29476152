"""The cluster's runtime classes: those that are wanted, and none of ours beside them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator
from typing import Any

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.kubectl import kubectl
from kubeinstall.facts.runtime_classes import MANAGED_BY, OWNER, RuntimeClasses
from kubeinstall.operations.commands import Command

_KUBECTL = kubectl()


@operation()
def runtime_classes(wanted: tuple[str, ...]) -> Generator[Command]:
    """Runtime classes whose handler has their own name.

    One that somebody else made stays, whether it is wanted or not.

    Args:
        wanted: their names; others of ours are deleted, and new pods cannot ask for those.

    Raises:
        OperationError: somebody else's class has the name of one, and another handler.
    """
    have = host.get_fact(RuntimeClasses)
    for name in wanted:
        if name not in have:
            yield Command(
                f"{_KUBECTL} apply --server-side --field-manager={OWNER} -f -",
                stdin=json.dumps(_document(name)),
            )
        elif have[name].handler != name and not have[name].ours:
            raise OperationError(
                f"the cluster has a runtime class {name} that kubeinstall did not create, with "
                "the handler "
                f"{have[name].handler}: delete it, or give cluster.runtime.classes.{name} "
                "another name"
            )
    for name, state in have.items():
        if state.ours and name not in wanted:
            yield Command(f"{_KUBECTL} delete --ignore-not-found runtimeclass {shlex.quote(name)}")


def _document(name: str) -> dict[str, Any]:
    """The object (RuntimeClass v1, node.k8s.io; from Kubernetes 1.20)."""
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name, "labels": {MANAGED_BY: OWNER}},
        "handler": name,
    }
