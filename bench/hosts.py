"""Hosts for measurements on this machine: an sshd each, in a root file system of its own.

A host is a Debian root (the lab's) under an overlay in memory, in mount, process and name spaces of
its own; its sshd listens on a free port of 127.0.0.1. No service manager runs, so that two hundred
fit. Measurements that run at once have hosts of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.plan import Purpose, cache
from kubeinstall.lab.roots import root

WORK = Path("/run/kubeinstall-bench")
USER = "bench"
_SSHD = """
Port {port}
ListenAddress {address}
HostKey /etc/ssh/bench_key
AuthorizedKeysFile /etc/ssh/bench_authorized
PasswordAuthentication no
UsePAM no
MaxStartups 200
StrictModes no
Subsystem sftp internal-sftp
PidFile none
"""


@dataclass(frozen=True)
class Place:
    """Where a host's sshd listens.

    Args:
        network: the file of its network namespace; None: this machine's.
    """

    address: str
    port: int
    network: Path | None = None

    @property
    def known(self) -> str:
        """Its name in known_hosts."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"


@dataclass(frozen=True)
class Bench:
    """Hosts that run.

    Args:
        places: host name to where its sshd listens.
        key: what users log in with, root among them.
    """

    places: dict[str, Place]
    key: Path
    known_hosts: Path

    @property
    def ports(self) -> dict[str, int]:
        """Host name to the port of its sshd."""
        return {name: place.port for name, place in self.places.items()}


def prepare() -> Path:
    """The root that all hosts are layered on: the lab's, with the Python that Ansible needs."""
    base = root(Purpose.NODE, print)
    layer = cache() / "roots" / f"bench-{base.name}"
    with alone(layer.with_suffix(".lock")):
        if not layer.is_dir():
            print("installing Python into the hosts' root, for Ansible (once)", flush=True)
            _make(base, layer)
    return layer


def _make(base: Path, layer: Path) -> None:
    part = layer.with_suffix(".part")
    work = layer.with_suffix(".work")
    for folder in (part, work):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    with _folder() as own, _mounted(base, part, work, own / "make") as merged:
        shutil.copy("/etc/resolv.conf", merged / "etc/resolv.conf")
        install = (
            "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "
            "--no-install-recommends python3 python3-apt >/dev/null && apt-get clean && "
            f"useradd -m -s /bin/bash -p '*' {USER} && "
            f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER} && "
            "mkdir -p /run/sshd && (id sshd >/dev/null || useradd -r -d /run/sshd sshd)"
        )
        _run("chroot", str(merged), "sh", "-c", install)
    shutil.rmtree(work, ignore_errors=True)
    part.rename(layer)


@contextmanager
def hosts(count: int, layer: Path) -> Iterator[Bench]:
    """That many fresh hosts, until the block ends; then nothing of them is left."""
    ports = _free_ports(count)
    places = {f"h{n}": Place("127.0.0.1", port) for n, port in enumerate(ports, 1)}
    with hosts_at(places, [layer]) as bench:
        yield bench


@contextmanager
def hosts_at(places: dict[str, Place], layers: list[Path]) -> Iterator[Bench]:
    """Fresh hosts at these places, by name, until the block ends.

    Args:
        layers: what their roots are laid over, from the top, without the lab's.
    """
    base = root(Purpose.NODE, print)
    with _folder() as own:
        key = own / "id_ed25519"
        host_key = own / "host_key"
        for path in (key, host_key):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
        known = own / "known_hosts"
        public = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
        known.write_text("".join(f"{place.known} {public}\n" for place in places.values()))
        space = own / "hosts"
        space.mkdir()
        _run("mount", "-t", "tmpfs", "-o", "mode=700", "kubeinstall-bench", str(space))
        running: list[subprocess.Popen[bytes]] = []
        try:
            for name, place in places.items():
                running.append(_start(space / name, place, [*layers, base], key, host_key))
            for place in places.values():
                _wait_for(place)
            yield Bench(places, key, known)
        finally:
            for process in running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            for process in running:
                process.wait()
            for root_ in space.glob("*/root"):
                subprocess.run(["umount", "-l", str(root_)], capture_output=True, check=False)
            _run("umount", "-l", str(space))


@contextmanager
def _folder() -> Iterator[Path]:
    """A private folder in memory for as long as the block runs."""
    WORK.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = Path(tempfile.mkdtemp(dir=WORK))
    try:
        yield own
    finally:
        shutil.rmtree(own)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nothing listens on, all different."""
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]


def _start(
    home: Path, place: Place, layers: list[Path], key: Path, host_key: Path
) -> subprocess.Popen[bytes]:
    name = home.name
    merged = home / "root"
    for folder in ("upper", "work", "root"):
        (home / folder).mkdir(parents=True)
    _overlay(layers, home / "upper", home / "work", merged)
    ssh = merged / "etc/ssh"
    shutil.copy(host_key, ssh / "bench_key")
    shutil.copy(key.with_suffix(".pub"), ssh / "bench_authorized")
    (ssh / "bench_config").write_text(_SSHD.format(address=place.address, port=place.port))
    (merged / "etc/hosts").write_text(f"127.0.0.1 localhost {name}\n")
    start = (
        f"hostname {name}; mount -t proc proc {merged}/proc; mount --bind /dev {merged}/dev; "
        f"mount -t tmpfs tmpfs {merged}/run; mkdir -p {merged}/run/sshd {merged}/run/lock; "
        f"mount -t tmpfs tmpfs {merged}/sys; mkdir -p {merged}/sys/fs/cgroup; "
        f"mount -t cgroup2 none {merged}/sys/fs/cgroup; "
        f"exec chroot {merged} /usr/sbin/sshd -D -f /etc/ssh/bench_config"
    )
    enter = ["nsenter", f"--net={place.network}"] if place.network else []
    return subprocess.Popen(
        [*enter, "unshare", "-m", "-p", "-u", "--fork", "--kill-child", "sh", "-c", start],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_for(place: Place) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection((place.address, place.port), 5) as sock:
                sock.settimeout(10)
                if sock.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"no sshd answers at {place.known}")
        time.sleep(0.1)


@contextmanager
def _mounted(base: Path, upper: Path, work: Path, merged: Path) -> Iterator[Path]:
    merged.mkdir(parents=True, exist_ok=True)
    _overlay([base], upper, work, merged)
    _run("mount", "-t", "proc", "proc", str(merged / "proc"))
    _run("mount", "--bind", "/dev", str(merged / "dev"))
    try:
        yield merged
    finally:
        for mount in (merged / "dev", merged / "proc", merged):
            _run("umount", "-l", str(mount))


def _overlay(layers: list[Path], upper: Path, work: Path, merged: Path) -> None:
    lower = ":".join(map(str, layers))
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    _run("mount", "-t", "overlay", "-o", options, "overlay", str(merged))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
