"""The files of this machine that an inventory names: are they there?"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from kubeinstall.certificates import load_pem
from kubeinstall.inventory.model import LAB_FOLDER, Cluster, InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import layers, local
from kubeinstall.openpgp import public_keys


def check_files(inventory: InventoryFile, cluster: Cluster, must_exist: bool) -> Iterator[Issue]:
    """What is wrong with ssh keys, known_hosts files, the signing key, CAs and archives.

    Args:
        must_exist: False makes a missing file a warning: a lab that is not up yet has none.
    """
    severity: Literal["error", "warning"] = "error" if must_exist else "warning"
    base = (cluster.inventory_file or Path()).absolute().parent
    for loc, path, needed in _named(inventory):
        full = local(path, base)
        if os.access(full, os.R_OK) and os.path.isfile(full):  # noqa: PTH113 pathlib's may raise
            yield from _key_mode(loc, full)
            yield from _content(loc, full)
        elif needed:
            reason = "it cannot be read" if os.access(full, os.F_OK) else "there is no such file"
            yield Issue(
                loc,
                f"{dotted(loc)}: {full}: {reason}",
                next=_advice(inventory, cluster, full),
                severity=severity,
            )


def _advice(inventory: InventoryFile, cluster: Cluster, path: Path) -> str:
    """What makes a file that is missing: a lab or Vagrant, if it is one of theirs."""
    if inventory.lab and path.is_relative_to(LAB_FOLDER / inventory.cluster.name):
        return f"`kubeinstall lab up -i {shlex.quote(str(cluster.inventory_file))}` creates it"
    if inventory.vagrant and ".vagrant" in path.parts:
        return "`vagrant up` creates the key of each machine"
    return "use a file that exists; paths are relative to the inventory's folder"


def _named(inventory: InventoryFile) -> Iterator[tuple[Loc, Path, bool]]:
    """Each file with its place, and whether a run needs it."""
    for loc, layer in layers(inventory):
        ssh = layer.ssh
        if ssh.key:
            yield (*loc, "ssh", "key"), ssh.key, True
        if ssh.bastion_key:
            yield (*loc, "ssh", "bastion_key"), ssh.bastion_key, True
        if ssh.known_hosts:
            yield (*loc, "ssh", "known_hosts"), ssh.known_hosts, ssh.host_keys == "strict"
    key = inventory.cluster.packages.key
    if key:
        yield ("cluster", "packages", "key"), key, True
    archive = inventory.cluster.packages.archive
    if archive and archive.file:
        yield ("cluster", "packages", "archive", "file"), archive.file, True
    helm = inventory.cluster.helm
    if helm and helm.file:
        yield ("cluster", "helm", "file"), helm.file, True
    runtime = inventory.cluster.runtime
    if runtime.cri_dockerd.file:
        yield ("cluster", "runtime", "cri_dockerd", "file"), runtime.cri_dockerd.file, True
    if runtime.repository.key:
        yield ("cluster", "runtime", "repository", "key"), runtime.repository.key, True
    containerd = runtime.archive
    if containerd and containerd.file:
        yield ("cluster", "runtime", "archive", "file"), containerd.file, True
    if containerd and containerd.runc and containerd.runc.file:
        yield ("cluster", "runtime", "archive", "runc", "file"), containerd.runc.file, True
    for name, registry in runtime.registries.items():
        if registry.ca:
            yield ("cluster", "runtime", "registries", name, "ca"), registry.ca, True


def _key_mode(loc: Loc, path: Path) -> Iterator[Issue]:
    """Private keys are for their owner's eyes."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if loc[-2:] in {("ssh", "key"), ("ssh", "bastion_key")} and mode & 0o077:
        yield Issue(
            loc,
            f"{dotted(loc)}: the private key is readable by others: {path} (mode {mode:o})",
            next=f"chmod 600 {shlex.quote(str(path))}",
            severity="warning",
        )


def _content(loc: Loc, path: Path) -> Iterator[Issue]:
    """A signing key is one, and a CA is one."""
    try:
        if loc[-2:] in (("packages", "key"), ("repository", "key")):
            public_keys(path.read_text(encoding="ascii"))
        elif loc[-1] == "ca":
            load_pem(path.read_text(encoding="utf-8"))
        return
    except UnicodeDecodeError:
        why = "it is not text"
    except ValueError as error:
        why = "it contains no readable PEM certificate" if loc[-1] == "ca" else str(error)
    file = shlex.quote(str(path))
    then = f"gpg --no-default-keyring --keyring {file} --armor --export"
    if loc[-1] == "ca":
        then = f"openssl x509 -inform der -in {file}"
    yield Issue(
        loc,
        f"{dotted(loc)}: {path} cannot be used",
        why=why,
        next=f"see what it contains: head -n 3 {file}; to convert a binary file to text: {then}",
    )
