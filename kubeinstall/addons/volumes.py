"""Volumes that only an addon can delete, so that it is not removed while they are bound.

Sources: the PersistentVolume API; the annotation of external-provisioner (kubernetes-csi).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_IN_TREE = "kubernetes.io/"
"""Kubernetes' own, or none at all (``no-provisioner``): these outlive every addon."""


@dataclass(frozen=True)
class Held:
    """A volume in use.

    Args:
        name: of the PersistentVolume.
        claim: ``NAMESPACE/NAME`` of the claim that is, or was, bound to it.
    """

    name: str
    claim: str

    def __str__(self) -> str:
        return f"{self.claim} ({self.name})"


def provisioners(documents: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Who makes and deletes volumes by some objects: CSI drivers, and provisioners of classes."""
    found = set()
    for document in documents:
        if document["kind"] == "CSIDriver":
            found.add(str(document["metadata"]["name"]))
        elif document["kind"] == "StorageClass":
            found.add(str(document.get("provisioner", "")))
    return frozenset(name for name in found if name and not name.startswith(_IN_TREE))


def held_by(makers: frozenset[str], volumes: Sequence[Mapping[str, Any]]) -> tuple[Held, ...]:
    """The volumes of these provisioners that are bound, or wait for being deleted by them."""
    found = []
    for volume in volumes:
        spec, metadata = volume.get("spec") or {}, volume["metadata"]
        maker = (metadata.get("annotations") or {}).get(_PROVISIONED_BY)
        driver = (spec.get("csi") or {}).get("driver")
        if makers.isdisjoint({maker, driver}):
            continue
        phase = (volume.get("status") or {}).get("phase")
        left_over = spec.get("persistentVolumeReclaimPolicy") == "Delete" and phase == "Released"
        if phase == "Bound" or left_over:
            claim = spec.get("claimRef") or {}
            found.append(
                Held(str(metadata["name"]), f"{claim.get('namespace')}/{claim.get('name')}")
            )
    return tuple(sorted(found, key=str))
