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
ListenAddress 127.0.0.1
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
class Bench:
    """Hosts that run.

    Args:
        ports: host name to the port of its sshd.
    """

    ports: dict[str, int]
    key: Path
    known_hosts: Path


def prepare() -> Path:
    """The root that all hosts are layered on: the lab's, with the Python that Ansible needs."""
    base = root(Purpose.NODE, print)
    layer = cache() / "roots" / f"bench-{base.name}"
    with _alone(layer.with_suffix(".lock")):
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
    base = root(Purpose.NODE, print)
    with _folder() as own:
        key = own / "id_ed25519"
        host_key = own / "host_key"
        for path in (key, host_key):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
        ports = dict(zip([f"h{n}" for n in range(1, count + 1)], _free_ports(count), strict=True))
        known = own / "known_hosts"
        public = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
        known.write_text("".join(f"[127.0.0.1]:{port} {public}\n" for port in ports.values()))
        space = own / "hosts"
        space.mkdir()
        _run("mount", "-t", "tmpfs", "-o", "mode=700", "kubeinstall-bench", str(space))
        running: list[subprocess.Popen[bytes]] = []
        try:
            for name, port in ports.items():
                running.append(_start(space / name, port, [layer, base], key, host_key))
            for port in ports.values():
                _wait_for(port)
            yield Bench(ports, key, known)
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
def _alone(path: Path) -> Iterator[None]:
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
    home: Path, port: int, layers: list[Path], key: Path, host_key: Path
) -> subprocess.Popen[bytes]:
    name = home.name
    merged = home / "root"
    for folder in ("upper", "work", "root"):
        (home / folder).mkdir(parents=True)
    _overlay(layers, home / "upper", home / "work", merged)
    ssh = merged / "etc/ssh"
    shutil.copy(host_key, ssh / "bench_key")
    shutil.copy(key.with_suffix(".pub"), ssh / "bench_authorized")
    (ssh / "bench_config").write_text(_SSHD.format(port=port))
    (merged / "etc/hosts").write_text(f"127.0.0.1 localhost {name}\n")
    start = (
        f"hostname {name}; mount -t proc proc {merged}/proc; mount --bind /dev {merged}/dev; "
        f"mount -t tmpfs tmpfs {merged}/run; mkdir -p {merged}/run/sshd {merged}/run/lock; "
        f"exec chroot {merged} /usr/sbin/sshd -D -f /etc/ssh/bench_config"
    )
    return subprocess.Popen(
        ["unshare", "-m", "-p", "-u", "--fork", "--kill-child", "sh", "-c", start],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                sock.settimeout(10)
                if sock.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"no sshd answers on port {port}")
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
