"""From the file's shape to the cluster: what the defaults, the group and the host say, merged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubeinstall.documents import merged
from kubeinstall.inventory.model import (
    Cluster,
    ClusterSpec,
    ContainerdArchive,
    Group,
    Host,
    HostEntry,
    HostSettings,
    InventoryFile,
    Role,
    Ssh,
)
from kubeinstall.inventory.positions import Loc

_SSH_FILES = ("key", "bastion_key", "known_hosts")


def groups(inventory: InventoryFile) -> Iterator[tuple[Loc, Role, Group]]:
    """Each group with its place in the file; control planes first."""
    yield ("groups", "control_plane"), Role.CONTROL_PLANE, inventory.groups.control_plane
    yield ("groups", "workers"), Role.WORKER, inventory.groups.workers


def entries(inventory: InventoryFile) -> Iterator[tuple[Loc, Role, str, HostEntry]]:
    """Each host as the file has it: place, role, name, entry."""
    for loc, role, group in groups(inventory):
        for name, entry in group.hosts.items():
            yield (*loc, "hosts", name), role, name, entry


def layers(inventory: InventoryFile) -> Iterator[tuple[Loc, HostSettings]]:
    """Every place that holds host settings: defaults, groups, hosts."""
    yield ("defaults",), inventory.defaults
    for loc, _, group in groups(inventory):
        yield loc, group
    for loc, _, _, entry in entries(inventory):
        yield loc, entry


def layers_of(
    inventory: InventoryFile, loc: Loc, entry: HostEntry
) -> tuple[tuple[Loc, HostSettings], ...]:
    """The places that hold settings of one host, each over the ones before it.

    Args:
        loc: the host's place, as ``entries`` has it.
    """
    group = inventory.groups.workers if loc[1] == "workers" else inventory.groups.control_plane
    return (("defaults",), inventory.defaults), (loc[:2], group), (loc, entry)


def settings(inventory: InventoryFile, role: Role, entry: HostEntry) -> HostSettings:
    """A host's settings: its own over its group's over the defaults."""
    own = inventory.groups.control_plane
    if role is Role.WORKER:
        own = inventory.groups.workers
    laid: dict[str, Any] = {}
    for layer in (inventory.defaults, own, entry):
        said = layer.model_dump(exclude_unset=True, include=set(HostSettings.model_fields))
        laid = merged(laid, said)
    return HostSettings.model_validate(laid)


def resolve(inventory: InventoryFile, path: Path) -> Cluster:
    """The cluster that an inventory describes; relative paths start at the file's folder."""
    base = path.absolute().parent
    hosts = tuple(
        _host(inventory, base, role, name, entry) for _, role, name, entry in entries(inventory)
    )
    return Cluster(
        spec=_spec(inventory.cluster, base), hosts=hosts, lab=inventory.lab, inventory_file=path
    )


def _host(inventory: InventoryFile, base: Path, role: Role, name: str, entry: HostEntry) -> Host:
    said = settings(inventory, role, entry)
    return Host(
        name=name,
        role=role,
        address=str(entry.address),
        node_ip=str(entry.node_ip or entry.address),
        hostname=entry.hostname or name,
        ssh=_ssh(said.ssh, base),
        labels=said.labels,
        taints=None if said.taints is None else tuple(said.taints),
        kubelet=said.kubelet,
    )


def _ssh(ssh: Ssh, base: Path) -> Ssh:
    paths = {name: _local(getattr(ssh, name), base) for name in _SSH_FILES}
    return ssh.model_copy(update=paths)


def _spec(spec: ClusterSpec, base: Path) -> ClusterSpec:
    packages = spec.packages.model_copy(update={"key": _local(spec.packages.key, base)})
    if archive := packages.archive:
        archive = archive.model_copy(update={"file": _local(archive.file, base)})
        packages = packages.model_copy(update={"archive": archive})
    registries = {
        name: registry.model_copy(update={"ca": _local(registry.ca, base)})
        for name, registry in spec.runtime.registries.items()
    }
    speaker = spec.runtime.cri_dockerd
    speaker = speaker.model_copy(update={"file": _local(speaker.file, base)})
    source = spec.runtime.repository
    source = source.model_copy(update={"key": _local(source.key, base)})
    parts = {"registries": registries, "cri_dockerd": speaker, "repository": source}
    parts["archive"] = _containerd(spec.runtime.archive, base)
    runtime = spec.runtime.model_copy(update=parts)
    folders = [local(folder, base) for folder in spec.addon_folders]
    helm = spec.helm and spec.helm.model_copy(update={"file": _local(spec.helm.file, base)})
    own = {"packages": packages, "runtime": runtime, "addon_folders": folders, "helm": helm}
    return spec.model_copy(update=own)


def _containerd(archive: ContainerdArchive | None, base: Path) -> ContainerdArchive | None:
    if archive is None:
        return None
    runc = archive.runc and archive.runc.model_copy(
        update={"file": _local(archive.runc.file, base)}
    )
    return archive.model_copy(update={"file": _local(archive.file, base), "runc": runc})


def _local(path: Path | None, base: Path) -> Path | None:
    return local(path, base) if path else None


def local(path: Path | str, base: Path) -> Path:
    """A path of this machine: ``~`` is the user's home, relative ones start at ``base``."""
    return base / os.path.expanduser(path)  # noqa: PTH111 Path's own fails on unknown users
