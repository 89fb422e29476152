"""The one error of this room."""

from __future__ import annotations

from kubeinstall.findings import Finding, Kind, KubeinstallError


class LabError(KubeinstallError):
    """The lab cannot do it.

    Args:
        what: one sentence.
        where: a host's name, or the inventory.
        why: the cause as far as it is known.
        next: what the user does next.
    """

    def __init__(self, what: str, *, where: str = "", why: str = "", next: str = "") -> None:
        super().__init__(Finding(Kind.LAB, what, where=where, why=why, next=next))
