"""The operations that are measured; playbook.yml has the same ones for Ansible."""

from __future__ import annotations

from io import StringIO

from pyinfra.api.deploy import deploy
from pyinfra.operations import apt, files, server

FOLDERS = ("/etc/bench", "/etc/bench/conf.d", "/var/lib/bench", "/opt/bench")
FILES = ("a.conf", "b.conf", "c.conf", "d.conf", "e.conf", "f.conf")
LINES = ("net.ipv4.ip_forward=1", "vm.swappiness=10", "kernel.panic=10", "fs.x=1", "fs.y=2")
GROUPS = ("alice", "bob")
BLOCKS = ("hosts", "modules")
SCRIPTS = ("start", "stop")


def content(name: str) -> str:
    """What a file holds: some forty lines."""
    return "".join(f"{name}.setting{number} = value {number}\n" for number in range(40))


@deploy("Bench")
def settle() -> None:
    """25 operations; no network, no service manager.

    And no users: pyinfra's fact about them runs lastlog once a user, 0.2 s of every run.
    """
    apt.packages(name="Packages", packages=["curl", "procps", "sudo", "ca-certificates"])
    for path in FOLDERS:
        files.directory(name=f"Folder {path}", path=path, mode="755")
    for name in FILES:
        files.put(
            name=f"File {name}",
            src=StringIO(content(name)),
            dest=f"/etc/bench/conf.d/{name}",
            mode="644",
        )
    for line in LINES:
        files.line(name=f"Line {line}", path="/etc/bench.conf", line=line)
    for group in GROUPS:
        server.group(name=f"Group {group}", group=group)
    for name in BLOCKS:
        files.block(name=f"Block {name}", path=f"/etc/bench.{name}", content=["one", "two"])
    for script in SCRIPTS:
        files.put(
            name=f"Script {script}",
            src=StringIO(f"#!/bin/sh\necho {script}\n"),
            dest=f"/opt/bench/{script}",
            mode="755",
        )
        files.link(
            name=f"Link {script}", path=f"/usr/local/bin/{script}", target=f"/opt/bench/{script}"
        )
    files.file(name="Log file", path="/var/lib/bench/log", mode="600")
