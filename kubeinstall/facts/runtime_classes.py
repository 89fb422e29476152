"""The runtime classes of the cluster."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.kubectl import kubectl

MANAGED_BY = "app.kubernetes.io/managed-by"
"""The label by which ours are told from others (Kubernetes' recommended labels)."""
OWNER = "kubeinstall"


@dataclass(frozen=True)
class ClassState:
    """A runtime class.

    Args:
        handler: the runtime's name for the CRI.
        ours: kubeinstall made it.
    """

    handler: str
    ours: bool


class RuntimeClasses(FactBase[dict[str, ClassState]]):
    """Every runtime class by its name; empty while there is no cluster."""

    @staticmethod
    def default() -> dict[str, ClassState]:
        return {}

    def command(self) -> str:
        columns = (
            r"NAME:.metadata.name,HANDLER:.handler,"
            r"OWNER:.metadata.labels.app\.kubernetes\.io/managed-by"
        )
        return (
            f"[ ! -e {ADMIN} ] || {kubectl()}"
            f" get runtimeclasses --no-headers -o 'custom-columns={columns}' 2>/dev/null || true"
        )

    def process(self, output: list[str]) -> dict[str, ClassState]:
        rows = [line.split() for line in output]
        return {row[0]: ClassState(row[1], row[2] == OWNER) for row in rows if len(row) == 3}
