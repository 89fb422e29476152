"""What a change of the inventory does to a cluster that runs: data, and the document made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinstall.inventory.changes.cluster import OF_CLUSTER
from kubeinstall.inventory.changes.hosts import KEPT, MEMBERS, OF_HOSTS
from kubeinstall.inventory.changes.rows import Effect, Row

__all__ = ["FIELDS", "KEPT", "MEMBERS", "Effect", "Row", "document"]

FIELDS = (*OF_CLUSTER, *OF_HOSTS)
"""Every field of the inventory."""

_HEAD = """\
# What a change of the inventory does to a running cluster

`kubeinstall up` compares the inventory with the cluster before it changes anything, and `plan` and
`verify` do the same, whichever phases and hosts are selected:

- **carried out**: the next `up` makes the change in the cluster;
- **refused**: the run ends with an error that names both values and what to do, before any host
  is changed;
- **reported**: a warning; the cluster stays as it is, and the run goes on;
- **used from now on**: nothing in the cluster depends on it.

This page is generated from `kubeinstall/inventory/changes/`; each row names the test
that checks it.
"""


def document() -> str:
    """The page of the documentation, in Markdown."""
    return "\n".join(
        [
            _HEAD,
            *_table("Field", FIELDS),
            "\n`host.` stands for a setting of a host, which can be set in `defaults`, in a "
            "group or for the host itself.\n",
            "## Hosts and addons that are added or removed\n",
            *_table("In the inventory", MEMBERS, code=False),
            "\n## Changes made by others\n",
            *_table("In the cluster", KEPT, code=False),
            "",
        ]
    )


def _table(title: str, rows: Sequence[Row], *, code: bool = True) -> Iterator[str]:
    yield f"| {title} | `up` | How, or why not | Test |"
    yield "|---|---|---|---|"
    for row in rows:
        mark = "`" if code else ""
        paths = ", ".join(f"{mark}{path}{mark}" for path in row.paths)
        yield f"| {paths} | {row.effect} | {row.what} | `{row.test}` |"
