"""What is wrong between the addons of an inventory: each may be right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinstall.inventory.catalogue.folders import find, names
from kubeinstall.inventory.catalogue.model import Addon
from kubeinstall.inventory.positions import Issue, Loc, dotted

Chosen = Mapping[str, tuple[Addon, Mapping[str, Any]]]
"""Addons by name, each with all its values."""


def check_together(chosen: Chosen) -> Iterator[Issue]:
    """Issues between addons: needs, exclusions, two defaults, one port taken twice."""
    for name, (addon, values) in chosen.items():
        for need in addon.needs(values):
            if not any(other.provides(need) for other, _ in chosen.values()):
                yield _issue(
                    name,
                    f"it needs {need}, which is not in the inventory",
                    f"add `{need}: {{}}` to cluster.addons" + _who_provides(need),
                )
        for other in addon.excludes(values):
            if other in chosen:
                yield _issue(
                    name,
                    f"it cannot be used together with {other}",
                    f"remove one of them: {name} or {other}",
                )
    yield from _defaults(chosen)
    yield from _ports(chosen)


def _defaults(chosen: Chosen) -> Iterator[Issue]:
    """Of a kind that has one default, all who want to be it but the first."""
    first: dict[str, str] = {}
    for name, (addon, values) in chosen.items():
        for kind, value in addon.file.makes_default.items():
            if values.get(value) is not True:
                continue
            if kind not in first:
                first[kind] = name
                continue
            yield _issue(
                name,
                f"{first[kind]} already provides the default {kind}",
                f"set `values: {{{value}: false}}` here, or the corresponding value at "
                f"{first[kind]}",
                ("values", value),
            )


def _ports(chosen: Chosen) -> Iterator[Issue]:
    """Those that take a port of the hosts which another takes, on nodes that may be the same."""
    taken: dict[tuple[int, str], tuple[str, Any]] = {}
    for name, (addon, values) in chosen.items():
        nodes = values.get("node_selector") or None
        for port in addon.ports(values):
            key = (port.port, port.protocol)
            other, others = taken.setdefault(key, (name, nodes))
            if other != name and (nodes is None or others is None or nodes == others):
                yield _issue(
                    name,
                    f"it and {other} both use port {port.port} of the hosts",
                    f"{_instead(addon)}, or run them on different nodes with values.node_selector",
                )
                break


def _instead(addon: Addon) -> str:
    """What one can do for an addon not to take ports."""
    when = next((p.when for p in addon.file.hosts.ports if p.when), None)
    return f"set another values.{next(iter(when))}" if when else "remove one of them"


def _issue(name: str, what: str, advice: str, below: Loc = ()) -> Issue:
    addon: Loc = ("cluster", "addons", name)
    return Issue((*addon, *below), f"{dotted(addon)}: {what}", next=advice, at_key=True)


def _who_provides(need: str) -> str:
    """Shipped addons that are the thing needed, where it is not an addon's own name."""
    known = names()
    if need in known:
        return ""
    able = [name for name in known if (addon := find(name)) and addon.provides(need)]
    return f"; {', '.join(able)} provide it" if able else ""
