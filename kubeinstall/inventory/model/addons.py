"""What an inventory says of addons."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from kubeinstall.inventory.model.base import Document, Strict


class ChangesByOthers(StrEnum):
    TAKE_BACK = "take-back"
    KEEP = "keep"


class AddonChoice(Strict):
    """One addon of the cluster."""

    values: Document = Field(
        default_factory=dict, description="Its settings; `kubeinstall addon show NAME` lists them."
    )
    changes_by_others: ChangesByOthers = Field(
        ChangesByOthers.TAKE_BACK,
        description="Fields of its objects that somebody else changed: take-back or keep.",
    )
    timeout: int = Field(300, ge=10, description="Seconds it has to become ready.")
