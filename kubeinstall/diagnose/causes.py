"""Known causes: what a log says when one is at work, why, and what to do.

Patterns come from the messages of apt, kubeadm, the kubelet, containerd and Docker. Of all causes
that a text shows, the one of the lowest rank counts, and the first of these: the root of a chain
of errors stands before what it leads to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from kubeinstall.diagnose.cause import Cause, Found, Rank
from kubeinstall.diagnose.causes_cluster import CLUSTER
from kubeinstall.diagnose.causes_images import IMAGES
from kubeinstall.diagnose.causes_packages import PACKAGES

CAUSES: Sequence[Cause] = (*IMAGES, *PACKAGES, *CLUSTER)

_NOISE = re.compile(
    r"^.*(?:To see the stack trace of this error|"
    r"you can make the check non-fatal with|^\s*$).*$",
    re.IGNORECASE,
)
_WARNING = re.compile(
    r"^\s*(?:\[WARNING |W\d{4} |W: |warning: )|level=(?:warning|warn|info) ", re.I
)


def telling(text: str) -> str:
    """The lines that can tell a cause: none that accompanies every failure, and no warning."""
    lines = text.splitlines()
    return "\n".join(x for x in lines if not _NOISE.match(x) and not _WARNING.search(x))


def find_cause(text: str) -> Found | None:
    """The known cause that a text shows; None: no known one.

    A warning counts only where nothing else does: kubeadm warns of much that is harmless.
    """
    found = _first(telling(text))
    if found is None:
        warned = _first("\n".join(x for x in text.splitlines() if _WARNING.search(x)))
        found = replace(warned, rank=Rank.WARNING) if warned else None
    return found


def _first(text: str) -> Found | None:
    best: Found | None = None
    for cause in CAUSES:
        if best and best.rank <= cause.rank:
            continue
        match = re.search(cause.pattern, text, re.IGNORECASE | re.MULTILINE)
        if match:
            groups = [match[0].strip(), *(group or "" for group in match.groups())]
            why, then = cause.why.format(*groups), cause.next.format(*groups)
            best = Found(why, then, cause.rank, cause.elsewhere)
    return best
