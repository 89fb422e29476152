"""The one error of this room."""

from __future__ import annotations

from kubeinstall.findings import Finding, Kind, KubeinstallError


class MirrorError(KubeinstallError):
    """The mirror cannot be made.

    Args:
        what: one sentence.
        why: the cause as far as it is known.
        next: what the user does next.
    """

    def __init__(self, what: str, why: str = "", next: str = "") -> None:
        super().__init__(Finding(Kind.LAB, what, hosts=("mirror",), why=why, next=next))
        self.what = what
        self.why = why
        self.next = next
