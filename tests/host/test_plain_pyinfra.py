"""The deploys under the plain pyinfra command, on a real host, as root and through sudo."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.lone import Lone, lone_host
from tests.running import INVENTORIES, REPO

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-pyinfra", "10.89.12", tmp_path_factory.mktemp("lab")) as lone:
        yield lone


def pyinfra(inventory: Path, deploy: str) -> tuple[int, int]:
    """Run a deploy; how many operations changed something, and how many did not."""
    ran = subprocess.run(
        [Path(sys.executable).with_name("pyinfra"), "-y", INVENTORIES / "lab.py", deploy],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=REPO,
        env={**os.environ, "KUBEINSTALL_INVENTORY": str(inventory)},
    )
    text = ran.stdout + ran.stderr
    assert ran.returncode == 0, text
    _, changed, failed, same = text.partition("Grand total")[2].split()[:4]
    assert failed == "-", text
    return tuple(0 if number == "-" else int(number) for number in (changed, same))  # type: ignore[return-value]


@pytest.mark.parametrize("user", ["root", "deploy"])
@pytest.mark.parametrize("deploy", ["hosts.prepare", "runtime.install"])
def test_the_second_run_changes_nothing(h1: Lone, deploy: str, user: str) -> None:
    h1.sh("rm -f /etc/sysctl.d/*kubeinstall* /etc/containerd/config.toml")
    inventory = h1.inventory(user=user)
    changed, _ = pyinfra(inventory, f"kubeinstall.deploys.{deploy}")
    assert changed > 0
    changed, same = pyinfra(inventory, f"kubeinstall.deploys.{deploy}")
    assert changed == 0
    assert same > 0


def test_ours_and_pyinfra_agree(h1: Lone) -> None:
    pyinfra(h1.inventory(), "kubeinstall.deploys.hosts.prepare")
    assert h1.changed("hosts") == []
