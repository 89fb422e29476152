"""The one error of this room."""

from __future__ import annotations

from kubeinstall.findings import Finding, Kind, KubeinstallError, Place


class LabError(KubeinstallError):
    """The lab cannot do it.

    Args:
        what: one sentence.
        host: the host that it is about, if it is about one.
        why: the cause as far as it is known.
        next: what the user does next.
        place: the inventory, if it is about that.
    """

    def __init__(
        self,
        what: str,
        *,
        host: str = "",
        why: str = "",
        next: str = "",
        place: Place | None = None,
    ) -> None:
        hosts = (host,) if host else ()
        super().__init__(Finding(Kind.LAB, what, hosts, why, next, place=place))
