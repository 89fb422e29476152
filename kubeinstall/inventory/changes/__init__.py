"""Effects of inventory changes on a running cluster: data, and a page generated from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinstall.inventory.changes.cluster import OF_CLUSTER
from kubeinstall.inventory.changes.hosts import KEPT, MEMBERS, OF_HOSTS
from kubeinstall.inventory.changes.rows import Effect, Row

__all__ = ["FIELDS", "KEPT", "MEMBERS", "Effect", "Row", "document"]

FIELDS = (*OF_CLUSTER, *OF_HOSTS)
"""Every field of the inventory."""

_HEAD = """\
# Effects of inventory changes on a running cluster

`kubeinstall up` compares the inventory with the cluster before it changes anything, and so do
`plan` and `verify`, whichever phases and hosts are selected:

- **carried out**: the next `up` makes the change in the cluster;
- **refused**: the run ends before any host is changed, with an error that shows both values and
  what to do;
- **reported**: the run shows a warning and continues; the cluster stays as it is;
- **used from now on**: nothing in the cluster depends on the setting.

This page is generated from `kubeinstall/inventory/changes/`; each row names the test
that checks it.
"""


def document() -> str:
    """The documentation page, in Markdown."""
    return "\n".join(
        [
            _HEAD,
            *_table("Field", FIELDS),
            "\n`host.` stands for a host setting, which can be set in `defaults`, in a group, or "
            "for a host.\n",
            "## Added and removed hosts and addons\n",
            *_table("In the inventory", MEMBERS, code=False),
            "\n## Changes made by others\n",
            *_table("In the cluster", KEPT, code=False),
            "",
        ]
    )


def _table(title: str, rows: Sequence[Row], *, code: bool = True) -> Iterator[str]:
    yield f"| {title} | `up` | Details | Test |"
    yield "|---|---|---|---|"
    for row in rows:
        mark = "`" if code else ""
        paths = ", ".join(f"{mark}{path}{mark}" for path in row.paths)
        yield f"| {paths} | {row.effect} | {row.what} | `{row.test}` |"
