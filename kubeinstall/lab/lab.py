"""A lab as a whole: up, down, and how it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.lab import (
    cgroups,
    disk,
    identity,
    machine,
    network,
    roots,
    rpms,
    services,
    system,
    trees,
)
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.mirror import MirrorTree
from kubeinstall.lab.plan import STATE, LabHost, LabPlan, Progress, Purpose

T = TypeVar("T")

_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")


@dataclass(frozen=True)
class HostStatus:
    """How one host is.

    Args:
        ssh: whether its ssh server answers.
        cgroup: v1, v2 or hybrid.
    """

    name: str
    address: str
    purpose: str
    running: bool
    ssh: bool
    cgroup: str


def up(lab: LabPlan, progress: Progress, patience: float = 180) -> None:
    """Bring every host up; what is up already is left alone.

    Args:
        patience: seconds that a host may take to answer on its ssh port.

    Raises:
        LabError: this machine cannot, or hosts do not come up.
    """
    started = time.monotonic()
    system.require(progress)
    cgroups.choose(lab.cgroup, cgroups.layout())
    tree = trees.choose(lab.kubernetes, progress) if lab.mirror else None
    if tree:
        rpms.ensure(tree, progress)
    with alone(progress):
        lab.folder.mkdir(parents=True, exist_ok=True)
        _make_key(lab)
        _make_password(lab)
        if tree:
            services.publish_key(tree, lab)
        prepare(lab)
        bases = {host.purpose: roots.root(host.purpose, progress, lab.suite) for host in lab.hosts}
        new = all_at_once(lab.hosts, lambda host: _ensure(host, lab, bases[host.purpose], tree))
        write_known_hosts(lab)
        all_at_once(lab.hosts, lambda host: wait(host, patience))
    seconds = f"{time.monotonic() - started:.1f} s"
    progress(
        f"lab {lab.name}: {len(lab.hosts)} hosts up, {sum(new)} of them started now, {seconds}"
    )


def prepare(lab: LabPlan) -> None:
    """Have this machine ready for the lab's hosts: its network, limits, and kernel modules.

    Raises:
        LabError: its subnet is in use.
    """
    network.up(lab)
    _raise_inotify_limit()
    _load_modules()


def down(lab: LabPlan, progress: Progress) -> None:
    """Take everything away: processes, mounts, interfaces, firewall rules, keys, disks.

    Raises:
        LabError: not root, or a process does not end.
    """
    system.require_root()
    with alone(progress):
        remove_hosts(lab)
        network.down(lab)
        shutil.rmtree(lab.folder, ignore_errors=True)
    progress(f"lab {lab.name}: removed")


def remove_hosts(lab: LabPlan) -> None:
    """Stop the lab's hosts and remove their disks, also of hosts that the inventory had before.

    Raises:
        LabError: a process does not end.
    """
    hosts = {host.name: host for host in lab.hosts}
    for folder in (lab.folder / "hosts").glob("*/"):
        hosts.setdefault(folder.name, LabHost(folder.name, "", Purpose.NODE, folder))
    all_at_once(hosts.values(), _remove)


def status(lab: LabPlan) -> list[HostStatus]:
    """How every host is."""
    mode = cgroups.choose(lab.cgroup, cgroups.layout())
    return all_at_once(
        lab.hosts,
        lambda host: HostStatus(
            name=host.name,
            address=host.address,
            purpose=host.purpose.value,
            running=machine.leader(host) is not None,
            ssh=_answers(host.address),
            cgroup=mode.value,
        ),
    )


def _ensure(host: LabHost, lab: LabPlan, base: Path, tree: MirrorTree | None) -> bool:
    """Bring one host up; whether it was started now."""
    is_mirror = host.purpose is Purpose.MIRROR
    wanted: disk.Form = {
        "address": host.address,
        "subnet": str(lab.subnet),
        "users": lab.users,
        "nat": lab.nat and host.purpose is Purpose.NODE,
        "mirror": lab.mirror.address if lab.mirror else None,
        "tree": str(tree.path) if tree and is_mirror else None,
    }
    found = disk.form(host)
    if found == wanted and machine.is_alive(host):
        return False
    if found and found != wanted and host.purpose is Purpose.NODE:
        raise _changed(host, found, wanted)
    machine.stop(host)
    if found != wanted:
        disk.make(host, base, wanted, lambda: _write(host, lab, tree))
    start(host, lab)
    return True


def start(host: LabHost, lab: LabPlan) -> None:
    """Start a host that has a disk.

    Raises:
        LabError: the cached root below its disk is gone.
    """
    disk.mount(host)
    machine.start(host, lab, services.binds(host) if host.purpose is Purpose.MIRROR else ())


def _write(host: LabHost, lab: LabPlan, tree: MirrorTree | None) -> None:
    identity.write(host, lab)
    if tree and host.purpose is Purpose.MIRROR:
        services.write(host.root, lab)
        services.adopt(host, tree)
    elif lab.mirror:
        services.use(host.root, lab.mirror)


def _changed(host: LabHost, found: disk.Form, wanted: disk.Form) -> LabError:
    keys = sorted(key for key in wanted if found.get(key) != wanted[key])
    return LabError(
        "the inventory has changed since this host was created, and its data would be lost",
        host=host.name,
        why="; ".join(f"{key}: {found.get(key)} before, {wanted[key]} now" for key in keys),
        next="run `kubeinstall lab down`, then `kubeinstall lab up` again",
    )


def _remove(host: LabHost) -> None:
    machine.stop(host)
    disk.remove(host)


def _make_key(lab: LabPlan) -> None:
    if not lab.key.exists():
        system.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", lab.name, "-f", lab.key)


def _make_password(lab: LabPlan) -> None:
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(lab.password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secrets.token_urlsafe(24)}\n")


def write_known_hosts(lab: LabPlan) -> None:
    """Note the hosts' own ssh keys; their roots are mounted."""
    lines = [f"{host.address} {identity.public_host_key(host)}\n" for host in lab.hosts]
    lab.known_hosts.write_text("".join(lines), encoding="utf-8")


def _raise_inotify_limit(least: int = 1024) -> None:
    """Many systemds and kubelets share this machine's limit; it is not lowered again."""
    with contextlib.suppress(OSError):
        if int(_INOTIFY.read_text()) < least:
            _INOTIFY.write_text(str(least))


def _load_modules(names: Iterable[str] = ("overlay", "br_netfilter")) -> None:
    """Hosts share this machine's kernel, but have no modules; a kernel may have them built in."""
    for name in names:
        with contextlib.suppress(OSError):
            system.succeeds("modprobe", "--quiet", name)


def wait(host: LabHost, patience: float) -> None:
    """Wait until ssh answers and lets ordinary users in, and the mirror serves."""
    deadline = time.monotonic() + patience
    while not (_answers(host.address) and _has_booted(host)):
        alive = machine.is_alive(host)
        if not alive or time.monotonic() > deadline:
            raise LabError(
                f"the host is not ready after {patience:.0f} s"
                if alive
                else "the host has stopped",
                host=host.name,
                why=host.console.read_text(errors="replace").strip()[-800:],
                next="run `kubeinstall lab down`, then `kubeinstall lab up` again",
            )
        time.sleep(0.1)


def _answers(address: str) -> bool:
    """Whether an ssh server answers."""
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            connection.settimeout(3)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _has_booted(host: LabHost) -> bool:
    """Whether its services listen and it lets others than root log in."""
    ports = services.PORTS if host.purpose is Purpose.MIRROR else ()
    leader = machine.leader(host)
    if leader is None or Path(f"/proc/{leader}/root/run/nologin").exists():
        return False
    return all(_listens(host.address, port) for port in ports)


def _listens(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def all_at_once(hosts: Iterable[LabHost], do: Callable[[LabHost], T]) -> list[T]:
    """Do it for all hosts at once.

    Raises:
        KubeinstallError: with the findings of every host that failed.
    """
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(do, host) for host in hosts]
    findings: list[Finding] = []
    results: list[T] = []
    for future in futures:
        error = future.exception()
        if isinstance(error, KubeinstallError):
            findings.extend(error.findings)
        else:
            results.append(future.result())
    if findings:
        raise KubeinstallError(*findings)
    return results


@contextlib.contextmanager
def alone(progress: Progress) -> Iterator[None]:
    """One up or down at a time: labs share this machine's network settings."""
    STATE.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(STATE, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another `kubeinstall lab` to finish")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
