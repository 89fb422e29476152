"""Molecule's scenarios from nothing to nothing: create, converge, idempotence, verify, destroy.

Every step but Molecule itself is kubeinstall's: its lab makes the hosts, ``up`` converges them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kubeinstall.inventory.load import load
from tests.labs import STATE
from tests.running import REPO

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

STEPS = ("destroy", "create", "converge", "idempotence", "verify", "destroy")


def molecule(scenario: str, folder: Path) -> str:
    """What ``molecule test`` of a scenario says, in a home of its own; it has to end well."""
    environment = {
        **os.environ,
        "ANSIBLE_HOME": str(folder / "ansible"),
        "COLUMNS": "200",
        "HOME": str(folder),
        "NO_COLOR": "1",
        # Molecule looks for ansible-playbook and pytest there.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    argv = [sys.executable, "-m", "molecule", "test", "--no-command-borders", "-s", scenario]
    ran = subprocess.run(
        argv,
        cwd=REPO,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=800,
    )
    assert ran.returncode == 0, ran.stdout[-6000:]
    return ran.stdout


def parts(output: str) -> list[tuple[str, str]]:
    """Each step that was run, with what it said."""
    pieces = re.split(r"\[\w+ > (\w+)\] Executing\n", output)
    return list(zip(pieces[1::2], pieces[2::2], strict=True))


@pytest.mark.parametrize("scenario", ["hosts", "default"])
def test_scenario(scenario: str, tmp_path: Path) -> None:
    said = parts(molecule(scenario, tmp_path))
    assert tuple(step for step, _ in said) == STEPS
    by_step = dict(said)
    # The second run is told apart from the first by kubeinstall's own events.
    assert "changed=1 " in by_step["converge"]
    assert "changed=0 " in by_step["idempotence"]
    assert re.search(r"\d+ passed", by_step["verify"])
    inventory = REPO / "molecule" / scenario / "cluster.yaml"
    cluster = load(inventory, files_must_exist=False)
    assert not (STATE / cluster.spec.name).exists()
