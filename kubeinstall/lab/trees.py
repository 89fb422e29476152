"""Which mirror a lab serves."""

from __future__ import annotations

from kubeinstall.lab import mirror
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import Progress

DEBIAN_KUBERNETES = "1.20.2"
"""The version that Debian has the source of."""


def choose(kubernetes: str, progress: Progress) -> mirror.MirrorTree:
    """The newest mirror of a version; builds the one that Debian has the source of.

    Raises:
        LabError: there is none, and it would need the user's programs.
    """
    found = next((tree for tree in mirror.trees() if tree.kubernetes == kubernetes), None)
    if kubernetes == DEBIAN_KUBERNETES and (found is None or found.manifest.origin == "debian"):
        # One that is there already is taken as it is, unless this version builds another.
        return mirror.from_debian_source(progress)
    if found is None:
        raise LabError(
            f"there is no mirror of Kubernetes {kubernetes} on this machine",
            why=f"only {DEBIAN_KUBERNETES} can be built here, from Debian's source",
            next=(
                "create one from a folder with its programs: "
                f"kubeinstall lab mirror --from-binaries DIR --kubernetes {kubernetes}"
            ),
        )
    return found
