"""Labs for tests: an inventory of hosts on this machine, brought up and taken away again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.running import Ran, kubeinstall

STATE = Path("/var/lib/kubeinstall/lab")


@dataclass(frozen=True)
class Lab:
    """A lab of one control plane ``cp1`` and as many workers ``w1``, ``w2``, ... as wanted.

    Args:
        name: the lab's and the cluster's.
        network: the first three numbers of its addresses; cp1 is .11, workers follow.
        inventory: the file, written by ``write``.
        settings: the section ``lab`` beside ``subnet``.
    """

    name: str
    network: str
    inventory: Path
    workers: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return STATE / self.name

    def address(self, host: str) -> str:
        return f"{self.network}.{10 + (1 if host == 'cp1' else 1 + int(host[1:]))}"

    def write(self, **settings: Any) -> None:
        """Write the inventory.

        Args:
            settings: more of the section ``lab``.
        """
        names = [f"w{number + 1}" for number in range(self.workers)]
        ssh = {"key": f"{self.state}/id_ed25519", "known_hosts": f"{self.state}/known_hosts"}
        document = {
            "cluster": {
                "name": self.name,
                "kubernetes": "1.20.2",
                "packages": {"url": "https://packages.example.org"},
            },
            "defaults": {"ssh": ssh},
            "groups": {
                "control_plane": {"hosts": {"cp1": {"address": self.address("cp1")}}},
                "workers": {"hosts": {name: {"address": self.address(name)} for name in names}},
            },
            "lab": {"subnet": f"{self.network}.0/24", **self.settings, **settings},
        }
        self.inventory.write_text(yaml.safe_dump(document, sort_keys=False))

    def run(self, command: str, *arguments: str, timeout: float = 300) -> Ran:
        """Run ``kubeinstall lab COMMAND`` for this lab."""
        return kubeinstall("lab", command, "-i", self.inventory, *arguments, timeout=timeout)

    def status(self) -> dict[str, dict[str, Any]]:
        """``kubeinstall lab status``, by host."""
        return {host["name"]: host for host in json.loads(self.run("status", "--json").text)}

    def sh(self, host: str, script: str) -> str:
        """Standard output of a script on a host, run without ssh."""
        return self.run("exec", host, "--", "sh", "-c", script).ok().text.strip()

    def ssh(self, host: str, script: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a script on an address over plain ssh, with the lab's key and known hosts only."""
        argv = [
            *("ssh", "-F", "none", "-i", f"{self.state}/id_ed25519", "-o", "IdentitiesOnly=yes"),
            *("-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.state}/known_hosts"),
            *("-o", "StrictHostKeyChecking=yes", *options, host, script),
        ]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60)


@contextmanager
def running(lab: Lab) -> Iterator[Lab]:
    """The lab, fresh; gone afterwards."""
    lab.write()
    lab.run("down").ok()
    lab.run("up").ok()
    try:
        yield lab
    finally:
        lab.write()
        lab.run("down").ok()


@contextmanager
def fresh(inventory: Path) -> Iterator[None]:
    """The lab of an inventory's own, fresh; gone afterwards."""
    kubeinstall("lab", "down", "-i", inventory).ok()
    # It may have to build the mirror first.
    kubeinstall("lab", "up", "-i", inventory, timeout=2400).ok()
    try:
        yield
    finally:
        kubeinstall("lab", "down", "-i", inventory).ok()
