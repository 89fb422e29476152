"""What makes a plain root a host of the lab: name, address, keys, logins, and the lab's quirks."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from kubeinstall.lab import network
from kubeinstall.lab.plan import LabHost, LabPlan, Purpose
from kubeinstall.lab.system import run
from kubeinstall.resources import script

_NETWORK = """\
[Match]
Name=host0
[Network]
Address={address}/{prefix}
{route}
# Or a host counts as online only when it has waited for an IPv6 router.
IPv6AcceptRA=no
LinkLocalAddressing=no
"""

_NAT_LINK = """\
[NetDev]
Name=nat0
Kind=veth
[Peer]
Name=nat0-far
"""

_NAT = """\
[Match]
Name=nat0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
IPv6AcceptRA=no
LinkLocalAddressing=no
"""

_NAT_FAR = """\
[Match]
Name=nat0-far
[Network]
LinkLocalAddressing=no
"""

_QUIRKS_UNIT = """\
[Unit]
Description=What a container needs to look like a machine
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-quirks
[Install]
WantedBy=sysinit.target
"""

_QUIRKS = """\
#!/bin/sh
# nspawn mounts cgroup v1 read-only; docker and the kubelet write there.
for at in /sys/fs/cgroup /sys/fs/cgroup/*; do
  if mountpoint -q "$at"; then mount -o remount,bind,rw "$at"; fi
done
# Hosts on one machine would all show that machine's product_uuid.
uuid=/sys/class/dmi/id/product_uuid
if [ -e "$uuid" ]; then mount --bind /etc/lab-product-uuid "$uuid"; fi
exit 0
"""

_RUNC = f"#!/bin/sh\n{script('lab/runc')}\n"

# A login's password is for sudo.
_SSHD = """\
PasswordAuthentication no
KbdInteractiveAuthentication no
"""

# The clock is the machine's, not the hosts' to set: chrony measures it and leaves it alone.
_CHRONY = """\
[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd $DAEMON_OPTS -x
"""


def write(host: LabHost, lab: LabPlan) -> None:
    """Write it all into the host's mounted root."""
    root = host.root
    put(root / "etc/hostname", f"{host.name}\n")
    put(root / "etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
    put(root / "etc/machine-id", f"{host.machine_id}\n", 0o444)
    put(root / "etc/lab-product-uuid", f"{UUID(host.machine_id)}\n", 0o400)
    # A name that sorts before 80-container-host0.network, which would ask for DHCP.
    has_nat = lab.nat and host.purpose is Purpose.NODE
    route = "" if has_nat else f"Gateway={lab.gateway}"
    put(
        root / "etc/systemd/network/10-lab.network",
        _NETWORK.format(address=host.address, prefix=lab.subnet.prefixlen, route=route),
    )
    if has_nat:
        _nat(root)
    put(root / "etc/resolv.conf", network.resolv_conf())
    put(root / "etc/systemd/system/lab-quirks.service", _QUIRKS_UNIT)
    put(root / "usr/local/sbin/lab-quirks", _QUIRKS, 0o755)
    put(root / "usr/local/sbin/lab-runc", _RUNC, 0o755)
    put(root / "etc/systemd/system/chrony.service.d/lab.conf", _CHRONY)
    put(root / "etc/ssh/sshd_config.d/lab.conf", _SSHD)
    _host_key(host)
    _authorize(root / "root", lab)
    for user, sudo in lab.users.items():
        _user(root, user, sudo, lab)
    enable(root, "systemd-networkd", "lab-quirks", "ssh")
    # networkd has the one interface there is; ifupdown would only wait for devices.
    run("systemctl", f"--root={root}", "disable", "--quiet", "networking")


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file into a host's root, in the place of what may be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def enable(root: Path, *units: str) -> None:
    """Have units start when the host boots."""
    run("systemctl", f"--root={root}", "enable", "--quiet", *units)


def public_host_key(host: LabHost) -> str:
    """The host's own public ssh key, as known_hosts has it."""
    key = (host.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8")
    return " ".join(key.split()[:2])


def _nat(root: Path) -> None:
    """A second card like the one that VirtualBox gives every VM, with nobody at its other end."""
    folder = root / "etc/systemd/network"
    put(folder / "10-nat.netdev", _NAT_LINK)
    put(folder / "10-nat.network", _NAT)
    put(folder / "10-nat-far.network", _NAT_FAR)


def _host_key(host: LabHost) -> None:
    key = host.root / "etc/ssh/ssh_host_ed25519_key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", key)


def _authorize(home: Path, lab: LabPlan, uid: int = 0, gid: int = 0) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    keys = folder / "authorized_keys"
    put(keys, lab.key.with_suffix(".pub").read_text(encoding="utf-8"), 0o600)
    for path in (folder, keys):
        os.chown(path, uid, gid)


def _user(root: Path, user: str, sudo: str, lab: LabPlan) -> None:
    run("useradd", "--root", root, "--create-home", "--shell", "/bin/bash", user)
    run("chpasswd", "--root", root, stdin=f"{user}:{lab.password.read_text('utf-8')}")
    home = (root / "home" / user).stat()
    _authorize(root / "home" / user, lab, home.st_uid, home.st_gid)
    tag = "NOPASSWD: " if sudo == "sudo" else ""
    put(root / "etc/sudoers.d" / f"lab-{user}", f"{user} ALL=(ALL:ALL) {tag}ALL\n", 0o440)
