"""A host's disk: a layer of its own over the cached root, and what makes it that host."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from kubeinstall.lab.plan import LabHost, LabPlan, Purpose
from kubeinstall.lab.system import run

# Overlay on overlay fails, so what keeps layers or sockets of its own lives on a real file system.
DATA = ("containerd", "docker", "kubelet", "etcd")

_NETWORK = """\
[Match]
Name=host0
[Network]
Address={address}/{prefix}
Gateway={gateway}
"""

# nspawn mounts v1 cgroups read-only; systemd, docker and the kubelet write them.
_CGROUPS = """\
[Unit]
Description=Make the cgroup v1 controllers writable
DefaultDependencies=no
Before=sysinit.target
ConditionPathIsDirectory=/sys/fs/cgroup/systemd
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for at in /sys/fs/cgroup /sys/fs/cgroup/*; do \
  mountpoint -q $at && mount -o remount,bind,rw $at; done; true'
[Install]
WantedBy=sysinit.target
"""

# Where the machine around the host lacks CAP_SYS_RESOURCE, no container may have it either, nor a
# negative oom_score_adj. Docker has no setting for that: this stands between it and runc.
_RUNC = """\
#!/bin/sh
bounding=$(sed -n 's/^CapBnd:\\t*//p' /proc/self/status)
if [ $(( 0x$bounding >> 24 & 1 )) = 0 ]; then
  bundle=. previous=
  for word in "$@"; do
    [ "$previous" = --bundle ] && bundle=$word
    previous=$word
  done
  case " $* " in *" create "* | *" run "*)
    sed -i -E 's/"oomScoreAdj":-[0-9]+/"oomScoreAdj":0/;
      s/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g' \\
      "$bundle/config.json" ;;
  esac
fi
exec runc "$@"
"""


def mount(host: LabHost, base: Path) -> bool:
    """Mount the host's root; whether its layer is new.

    Args:
        base: the cached root below it.
    """
    new = not (host.folder / "upper").is_dir()
    for name in ("root", "upper", "work", *(f"data/{name}" for name in DATA)):
        (host.folder / name).mkdir(parents=True, exist_ok=True)
    if not host.root.is_mount():
        layers = f"lowerdir={base},upperdir={host.folder / 'upper'},workdir={host.folder / 'work'}"
        run("mount", "-t", "overlay", "overlay", "-o", layers, host.root)
    return new


def remove(host: LabHost) -> None:
    """Unmount and forget the host's disk."""
    while host.root.is_mount():
        run("umount", "--lazy", host.root)
    shutil.rmtree(host.folder, ignore_errors=True)


def write(host: LabHost, lab: LabPlan) -> None:
    """Write what makes a new root this host: name, address, keys, logins, services."""
    root = host.root
    _put(root / "etc/hostname", host.name + "\n")
    _put(root / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n::1 localhost\n")
    _put(root / "etc/machine-id", os.urandom(16).hex() + "\n", 0o444)
    network = _NETWORK.format(
        address=host.address, prefix=lab.subnet.prefixlen, gateway=lab.gateway
    )
    # A name that sorts before 80-container-host0.network, which would ask for DHCP.
    _put(root / "etc/systemd/network/10-lab.network", network)
    _put(root / "etc/systemd/system/lab-cgroups.service", _CGROUPS)
    _put(root / "usr/local/sbin/lab-runc", _RUNC, 0o755)
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    _ssh(host, lab)
    for user, how in lab.users.items():
        _user(root, user, how, lab)
    for unit in ("systemd-networkd", "lab-cgroups", "ssh"):
        run("systemctl", f"--root={root}", "enable", "--quiet", unit)
    if host.purpose is Purpose.MIRROR:
        _mirror(root)


def _put(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _ssh(host: LabHost, lab: LabPlan) -> None:
    for kind in ("rsa", "ecdsa", "ed25519"):
        for old in (host.root / "etc/ssh").glob(f"ssh_host_{kind}_key*"):
            old.unlink()
    key = host.folder / "ssh_host_ed25519_key"
    if not key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", key)
    _put(host.root / "etc/ssh/ssh_host_ed25519_key", key.read_text(), 0o600)
    _put(host.root / "etc/ssh/ssh_host_ed25519_key.pub", key.with_suffix(".pub").read_text())
    _authorize(host.root / "root", lab, 0, 0)


def _authorize(home: Path, lab: LabPlan, uid: int, gid: int) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    keys = folder / "authorized_keys"
    _put(keys, lab.key.with_suffix(".pub").read_text(), 0o600)
    for path in (folder, keys):
        os.chown(path, uid, gid)


def _user(root: Path, user: str, how: str, lab: LabPlan) -> None:
    run("useradd", "--root", root, "--create-home", "--shell", "/bin/bash", user)
    _, _, uid, gid, *_ = next(
        line.split(":")
        for line in (root / "etc/passwd").read_text().splitlines()
        if line.startswith(f"{user}:")
    )
    _authorize(root / "home" / user, lab, int(uid), int(gid))
    tag = "NOPASSWD:" if how == "sudo" else ""
    _put(root / "etc/sudoers.d" / f"lab-{user}", f"{user} ALL=(ALL:ALL) {tag}ALL\n", 0o440)
    subprocess.run(
        ["chroot", str(root), "chpasswd"], input=f"{user}:{user}\n", text=True, check=True
    )


_REGISTRY = """\
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: /srv/mirror/registry}
  maintenance:
    readonly: {enabled: true}
http: {addr: ":5000"}
"""

_NGINX = """\
server {
  listen 80 default_server;
  root /srv/mirror/apt;
  autoindex on;
}
"""


def _mirror(root: Path) -> None:
    """The mirror host's two services: packages on port 80, images on port 5000."""
    _put(root / "etc/docker/registry/config.yml", _REGISTRY)
    _put(root / "etc/nginx/sites-enabled/default", _NGINX)
    for unit in ("docker-registry", "nginx"):
        run("systemctl", f"--root={root}", "enable", "--quiet", unit)
