"""Addons in the inventory."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from kubeinstall.inventory.model.base import Document, Strict


class ChangesByOthers(StrEnum):
    TAKE_BACK = "take-back"
    KEEP = "keep"


class AddonChoice(Strict):
    """An addon of the cluster."""

    values: Document = Field(
        default_factory=dict, description="Its values; `kubeinstall addon show NAME` lists them."
    )
    changes_by_others: ChangesByOthers = Field(
        ChangesByOthers.TAKE_BACK,
        description="What to do with changes by others to its objects: take-back reverts them, "
        "keep keeps them.",
    )
    timeout: int = Field(300, ge=10, description="Seconds to wait until it is ready.")
