"""One lab host without a mirror, and inventories for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.labs import fresh
from tests.running import Ran, events, kubeinstall

STATE = Path("/var/lib/kubeinstall/lab")


@dataclass(frozen=True)
class Lone:
    """The host ``h1`` of a lab.

    Args:
        name: the lab's.
        network: the first three numbers of its addresses.
        folder: where inventories are written.
        lab: more of the section ``lab``.
    """

    name: str
    network: str
    folder: Path
    lab: dict[str, Any] = field(default_factory=dict)

    def inventory(self, *, user: str = "root", **cluster: Any) -> Path:
        """An inventory of this host.

        Args:
            user: login; other than root it is a sudoer without a password.
            cluster: more of the section ``cluster``.
        """
        state = STATE / self.name
        document = {
            "cluster": {
                "name": self.name,
                "kubernetes": "1.20.2",
                "packages": {"url": "https://packages.example.org"},
                "time": {"manage": False},
                **cluster,
            },
            "defaults": {
                "ssh": {
                    "user": user,
                    "key": str(state / "id_ed25519"),
                    "known_hosts": str(state / "known_hosts"),
                }
            },
            "groups": {
                "control_plane": {"taints": [], "hosts": {"h1": {"address": f"{self.network}.11"}}}
            },
            "lab": {"subnet": f"{self.network}.0/24", "users": {"deploy": "sudo"}, **self.lab},
        }
        path = self.folder / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    def sh(self, script: str) -> str:
        """Standard output of a script on the host, run as root.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        state = STATE / self.name
        argv: list[str | Path] = ["ssh", "-q", "-i", state / "id_ed25519", "-o", "BatchMode=yes"]
        argv += ["-o", f"UserKnownHostsFile={state / 'known_hosts'}", f"root@{self.network}.11"]
        ran = subprocess.run([*argv, script], capture_output=True, text=True, timeout=300)
        ran.check_returncode()
        return ran.stdout

    def up(self, *phases: str, **inventory: Any) -> tuple[Ran, list[str]]:
        """Run phases; what was said, and the names of the operations that changed something."""
        log = self.folder / "events.jsonl"
        only = [word for phase in phases for word in ("--only", phase)]
        path = self.inventory(**inventory)
        ran = kubeinstall("up", "-y", "-i", path, *only, "--events", log)
        return ran, [e["operation"] for e in events(log) if e.get("changed")]

    def changed(self, *phases: str, **inventory: Any) -> list[str]:
        """The names of the operations that changed something in a run that went well."""
        ran, names = self.up(*phases, **inventory)
        ran.ok()
        return names


@contextmanager
def lone_host(name: str, network: str, folder: Path, **lab: Any) -> Iterator[Lone]:
    """A fresh host; gone afterwards.

    Args:
        lab: more of the section ``lab``.
    """
    lone = Lone(name, network, folder, lab)
    with fresh(lone.inventory()):
        yield lone
