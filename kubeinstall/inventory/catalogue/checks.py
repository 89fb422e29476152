"""What is wrong with an inventory's addons, as far as can be told before any host is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kubeinstall.inventory.catalogue import values
from kubeinstall.inventory.catalogue.combinations import check_together
from kubeinstall.inventory.catalogue.features import check_features
from kubeinstall.inventory.catalogue.folders import UnreadableAddonError, find, names
from kubeinstall.inventory.catalogue.model import Addon, Stage
from kubeinstall.inventory.catalogue.ranges import check_ranges
from kubeinstall.inventory.model import InventoryFile, NetworkPlugin
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import local
from kubeinstall.inventory.suggestions import did_you_mean
from kubeinstall.releases import Version

_ADDONS: Loc = ("cluster", "addons")
_FOLDERS: Loc = ("cluster", "addon_folders")
_KUBEADM: Loc = ("cluster", "kubeadm")


def check_addons(
    inventory: InventoryFile, path: Path, doubts: Sequence[Loc] = ()
) -> Iterator[Issue]:
    """All issues of the addons.

    Args:
        path: of the inventory; folders are relative to it.
        doubts: places with errors of their own.
    """
    if any(loc in doubts for loc in (("cluster",), _ADDONS, _FOLDERS, ("cluster", "kubernetes"))):
        return
    folders = [local(f, path.absolute().parent) for f in inventory.cluster.addon_folders]
    for index, folder in enumerate(folders):
        if not folder.is_dir():
            loc = (*_FOLDERS, index)
            yield Issue(loc, f"{dotted(loc)}: {folder}: there is no such folder")
    found: dict[str, Addon] = {}
    for name in inventory.cluster.addons:
        loc = (*_ADDONS, name)
        if loc in doubts:
            continue
        try:
            addon = find(name, folders)
        except UnreadableAddonError as error:
            yield Issue(loc, f"{dotted(loc)}: {error.place}: {error.why}", at_key=True)
            continue
        if addon is None:
            yield _unknown(loc, name, folders)
        else:
            found[name] = addon
            yield from _of_itself(inventory, addon)
    given = inventory.cluster.addons
    chosen = {n: (a, values.merged(a, given[n].values)) for n, a in found.items()}
    yield from check_together(chosen)
    if not any(loc[0] in ("defaults", "groups") or loc[:2] == _KUBEADM for loc in doubts):
        for addon, all_values in chosen.values():
            yield from check_features(inventory, addon, all_values)
            if ("cluster", "network") not in doubts:
                yield from check_ranges(inventory, addon, all_values)
    yield from _sysctls(inventory, found)
    if ("cluster", "network") not in doubts:
        yield from _network(inventory, folders)


def _network(inventory: InventoryFile, folders: Sequence[Path]) -> Iterator[Issue]:
    """The pod network's own addon is for the cluster's Kubernetes."""
    name = inventory.cluster.network.addon
    addon = find(name, folders) if name else None
    version = Version.parse(inventory.cluster.kubernetes)
    if addon and addon.release(version) is None:
        loc = ("cluster", "network", "plugin")
        yield Issue(
            loc,
            f"{dotted(loc)}: {addon.name} is not for Kubernetes {version}",
            why=f"it is for {addon.kubernetes}",
            next="use another plugin or another Kubernetes version",
        )


def _unknown(loc: Loc, name: str, folders: Sequence[Path]) -> Issue:
    known = names(folders)
    return Issue(
        loc,
        f"{dotted(loc)}: there is no addon {name}",
        next=did_you_mean(name, known) or "to list the addons: kubeinstall addon list",
        at_key=True,
    )


def _of_itself(inventory: InventoryFile, addon: Addon) -> Iterator[Issue]:
    loc = (*_ADDONS, addon.name)
    version = Version.parse(inventory.cluster.kubernetes)
    if addon.file.stage is Stage.NETWORK and (advice := _instead(inventory, addon)):
        yield Issue(loc, f"{dotted(loc)}: it is a pod network", next=advice, at_key=True)
    elif addon.release(version) is None:
        yield Issue(
            loc,
            f"{dotted(loc)}: not for Kubernetes {version}",
            why=f"it is for {addon.kubernetes}",
            next="remove it, or use another Kubernetes version",
            at_key=True,
        )
    if addon.file.retired:
        yield Issue(
            loc,
            f"{dotted(loc)}: upstream is retired",
            why=" ".join(addon.file.retired.split()),
            severity="warning",
            at_key=True,
        )
    given = inventory.cluster.addons[addon.name].values
    for place, what, advice in values.problems(addon, given):
        at = (*loc, "values", *place)
        yield Issue(at, f"{dotted(at)}: {what}", next=advice)


def _instead(inventory: InventoryFile, addon: Addon) -> str:
    """How a pod network is chosen; empty: it is one of the user's own, with ``plugin: none``."""
    ours = {NetworkPlugin.FLANNEL, NetworkPlugin.CALICO, NetworkPlugin.CANAL}
    if addon.name == "calico-operator":
        return "remove it, and set `network: {plugin: calico, calico: {install: operator}}`"
    if addon.name in ours:
        return f"remove it, and set `network: {{plugin: {addon.name}}}`"
    if inventory.cluster.network.plugin is not NetworkPlugin.NONE:
        return "set `network: {plugin: none}` as well"
    return ""


def _sysctls(inventory: InventoryFile, found: dict[str, Addon]) -> Iterator[Issue]:
    """Kernel settings that addons need: one value of each; cluster.sysctls has the last word."""
    own = inventory.cluster.sysctls
    first: dict[str, str] = {}
    for name, addon in found.items():
        for key, value in addon.file.hosts.sysctls.items():
            if key in own:
                if not _enough(own[key], value):
                    loc: Loc = ("cluster", "sysctls", key)
                    what = f"{dotted(loc)}: the addon {name} needs {value}"
                    yield Issue(loc, what, next="set that, or remove the addon", severity="warning")
                continue
            other = first.setdefault(key, name)
            theirs = found[other].file.hosts.sysctls[key]
            if str(theirs) != str(value):
                yield Issue(
                    (*_ADDONS, name),
                    f"{dotted((*_ADDONS, name))}: it needs {key} {value}, but {other} needs "
                    f"{theirs}",
                    next=f"set the one to use: cluster.sysctls {{{key}: VALUE}}",
                    at_key=True,
                )


def _enough(given: str | int, needed: str | int) -> bool:
    """Whether a setting will do: the same, or more where both are numbers (they are all limits)."""
    if str(given).isdigit() and str(needed).isdigit():
        return int(given) >= int(needed)
    return " ".join(str(given).split()) == " ".join(str(needed).split())
