"""What the engine's tests see of a host beside the session that they try."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from kubeinstall.engine.session import Session
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Cluster
from tests.waiting import until


def by_hand(cluster: Cluster, command: str) -> str:
    """What a command prints over an ssh connection of its own, beside the session's."""
    [host] = cluster.hosts
    words = ["ssh", "-i", str(host.ssh.key), "-o", f"UserKnownHostsFile={host.ssh.known_hosts}"]
    done = subprocess.run(
        [*words, f"root@{host.address}", command], check=False, capture_output=True, text=True
    )
    return done.stdout


def free(session: Session) -> bool:
    """Whether the session gets the lock."""
    try:
        session.lock()
    except KubeinstallError:
        return False
    return True


def until_some(find: Callable[[], str]) -> str:
    """Wait until something is found."""
    found = ""

    def is_some() -> bool:
        nonlocal found
        found = find()
        return bool(found)

    until(is_some, seconds=60)
    return found
