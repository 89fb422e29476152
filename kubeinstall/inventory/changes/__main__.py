"""Print the page of the documentation."""

from __future__ import annotations

from kubeinstall.inventory.changes import document

print(document(), end="")
