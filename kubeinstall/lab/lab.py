"""A lab as a whole: up, down, and how it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab import cgroups, disk, machine, mirror, network, roots, system
from kubeinstall.lab.plan import LabError, LabHost, LabPlan, Purpose
from kubeinstall.lab.system import Progress

_DEBIAN_KUBERNETES = "1.20.2"


@dataclass(frozen=True)
class HostStatus:
    """How one host is."""

    name: str
    address: str
    purpose: str
    running: bool
    ssh: bool
    cgroup: str


def up(lab: LabPlan, progress: Progress, patience: float = 90) -> None:
    """Bring every host up; what is up already is left alone.

    Args:
        patience: seconds that a host may take to answer on its ssh port.

    Raises:
        LabError: this machine cannot, or a host does not come up.
    """
    system.require(progress)
    cgroups.choose(lab.cgroup, cgroups.layout())
    lab.folder.mkdir(parents=True, exist_ok=True)
    with _alone(lab):
        tree = _mirror_tree(lab, progress)
        _keys(lab)
        network.up(lab)
        _raise_inotify_limit()
        new = [host for host in lab.hosts if machine.leader(host) is None]
        bases = {purpose: _base(purpose, progress) for purpose in {h.purpose for h in new}}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda host: _boot(host, lab, bases[host.purpose], tree), new))
        _known_hosts(lab)
        for host in lab.hosts:
            _wait_for_ssh(host, patience)
    progress(f"{len(lab.hosts)} hosts up, {len(new)} of them started now")


def down(lab: LabPlan, progress: Progress) -> None:
    """Take everything away: processes, mounts, interfaces, firewall rules, keys, disks."""
    system.require(progress)
    with _alone(lab):
        hosts = {host.name: host for host in lab.hosts}
        # Also what an earlier form of the inventory named.
        for folder in sorted((lab.folder / "hosts").glob("*")):
            hosts.setdefault(folder.name, LabHost(folder.name, "", Purpose.NODE, folder))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda host: machine.stop(host, lab), hosts.values()))
        for host in hosts.values():
            disk.remove(host)
        network.down(lab)
        shutil.rmtree(lab.folder, ignore_errors=True)
    progress(f"the lab {lab.name} is gone")


def status(lab: LabPlan) -> tuple[HostStatus, ...]:
    """How every host is."""
    return tuple(
        HostStatus(
            host.name,
            host.address,
            str(host.purpose),
            machine.leader(host) is not None,
            _answers(host.address, 22),
            str(cgroups.choose(lab.cgroup, cgroups.layout())),
        )
        for host in lab.hosts
    )


def _base(purpose: Purpose, progress: Progress) -> Path:
    if purpose is Purpose.MIRROR:
        return roots.mirror_root(progress)
    return roots.host_root(progress)


def _boot(host: LabHost, lab: LabPlan, base: Path, tree: mirror.MirrorTree | None) -> None:
    if disk.mount(host, base):
        disk.write(host, lab)
    binds = (f"{tree.path}:/srv/mirror",) if tree and host.purpose is Purpose.MIRROR else ()
    machine.start(host, lab, binds)


def _mirror_tree(lab: LabPlan, progress: Progress) -> mirror.MirrorTree | None:
    """The mirror's content for the inventory's Kubernetes; builds the one that Debian has.

    Raises:
        LabError: there is none, and none can be built without the user's programs.
    """
    if lab.mirror is None:
        return None
    tree = next((tree for tree in mirror.trees() if tree.kubernetes == lab.kubernetes), None)
    if lab.kubernetes == _DEBIAN_KUBERNETES and (tree is None or tree.manifest.origin == "debian"):
        tree = mirror.from_debian_source(progress)
    if tree is None:
        raise LabError(
            f"there is no mirror of Kubernetes {lab.kubernetes} on this machine",
            next=(
                "make one from a folder of its programs: "
                f"kubeinstall lab mirror --from-binaries DIR --kubernetes {lab.kubernetes}"
            ),
        )
    shutil.copyfile(tree.apt / tree.repository / "Release.key", lab.mirror_key)
    return tree


def _keys(lab: LabPlan) -> None:
    if not lab.key.exists():
        system.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", lab.name, "-f", lab.key)


def _known_hosts(lab: LabPlan) -> None:
    lines = [
        f"{host.address} {' '.join(key.read_text().split()[:2])}\n"
        for host in lab.hosts
        if (key := host.folder / "ssh_host_ed25519_key.pub").exists()
    ]
    lab.known_hosts.write_text("".join(lines))


def _raise_inotify_limit(least: int = 1024) -> None:
    """Many systemds and kubelets share this machine's limit on inotify instances."""
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    with contextlib.suppress(OSError):
        if int(limit.read_text()) < least:
            limit.write_text(str(least))


def _wait_for_ssh(host: LabHost, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not _answers(host.address, 22):
        dead = machine.leader(host) is None
        if dead or time.monotonic() > deadline:
            console = (host.folder / "console.log").read_text(errors="replace")
            raise LabError(
                "the host is not running" if dead else f"no ssh after {patience:.0f} s",
                where=host.name,
                why=console.strip()[-800:],
                next="take the lab down and up again",
            )
        time.sleep(0.1)


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            connection.settimeout(3)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


@contextlib.contextmanager
def _alone(lab: LabPlan) -> Iterator[None]:
    """One up or down of a lab at a time."""
    lock = Path("/run") / f"kubeinstall-lab-{lab.name}.lock"
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
