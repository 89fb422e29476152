"""SELinux: what a host says of it, and how it is told to warn only."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kubeinstall.facts.selinux import Selinux, SelinuxState
from kubeinstall.operations.selinux import permissive
from tests.unit.operating import commands, texts

pytestmark = pytest.mark.unit

CONFIG = """\
# SELINUX= can take one of these three values:
SELINUX=enforcing
SELINUXTYPE=targeted
"""


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (["live 1", "configured enforcing"], SelinuxState("enforcing", "enforcing")),
        (["live 0", "configured enforcing"], SelinuxState("permissive", "enforcing")),
        (["", "configured disabled"], SelinuxState("", "disabled")),
        (["", "junk"], SelinuxState()),
        ([], SelinuxState()),
    ],
)
def test_fact(answer: list[str], state: SelinuxState) -> None:
    assert Selinux().process(answer) == state


def test_the_file_is_changed_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config"
    file.write_text(CONFIG)
    facts = {Selinux: SelinuxState("enforcing", "enforcing")}
    write, live = texts(commands(monkeypatch, permissive, facts))
    assert live == "setenforce 0"
    here = write.replace("/etc/selinux/config", str(file))
    subprocess.run(["sh", "-c", here], check=True)
    assert file.read_text() == CONFIG.replace("=enforcing", "=permissive")
    assert (tmp_path / "config.before-kubeinstall").read_text() == CONFIG
    command = Selinux().command().replace("/etc/selinux/config", str(file))
    lines = subprocess.check_output(["sh", "-c", command], text=True).splitlines()
    assert Selinux().process(lines).configured == "permissive"


@pytest.mark.parametrize("state", [SelinuxState(), SelinuxState("permissive", "permissive")])
def test_nothing_to_do(monkeypatch: pytest.MonkeyPatch, state: SelinuxState) -> None:
    assert commands(monkeypatch, permissive, {Selinux: state}) == []
