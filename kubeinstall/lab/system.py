"""This machine: programs run on it, packages it needs, and whether we may use it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import Progress

# Program to Debian package.
_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "ssh": "openssh-client",
}


def run(*argv: str | Path, stdin: str | None = None, patience: float | None = None) -> str:
    """Run a program to its end and return its standard output.

    Args:
        patience: seconds that it may take.

    Raises:
        LabError: it does not exist, it takes longer, or it failed; carries what it said.
    """
    command = [str(word) for word in argv]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
            timeout=patience,
        )
    except OSError as error:
        raise LabError(f"{command[0]} cannot be run", why=str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"`{' '.join(command[:4])}...` did not end in time on this machine",
            why=f"it was stopped after {patience:.0f} s",
        ) from error
    if done.returncode != 0:
        raise LabError(
            f"`{' '.join(command[:4])}...` failed on this machine",
            why=(done.stderr or done.stdout).strip()[-1500:],
            next="fix the error above and run the same command again",
        )
    return done.stdout


def succeeds(*argv: str | Path) -> bool:
    """Whether a program ends with 0."""
    done = subprocess.run([str(word) for word in argv], capture_output=True, check=False)
    return done.returncode == 0


def require_root() -> None:
    """Be root.

    Raises:
        LabError: we are not.
    """
    if os.geteuid() != 0:
        raise LabError(
            "a lab needs root to create network interfaces and containers",
            next="run the same command with sudo",
        )


def require(progress: Progress, programs: Mapping[str, str] = _PROGRAMS) -> None:
    """Be root on a Debian machine with the programs that a lab needs; installs what is missing.

    Raises:
        LabError: not root, or there is no apt-get.
    """
    require_root()
    missing = sorted({package for name, package in programs.items() if not shutil.which(name)})
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise LabError(
            f"this machine has neither {', '.join(missing)} nor apt-get to install them",
            next="install them by hand",
        )
    progress(f"installing {', '.join(missing)} on this machine")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)
