"""What kubeadm left on a host."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kubeinstall.cluster import joining
from kubeinstall.facts import cni as cni_facts
from kubeinstall.facts import kubeadm as facts
from kubeinstall.facts.control_plane import ControlPlane
from tests.unit.certificates import certificate
from tests.unit.operating import run

pytestmark = pytest.mark.unit

CA = "a" * 64
JOINED = facts.JoinState(True, True, CA, True)


def in_folder(fact: Any, folder: Path, **arguments: Any) -> Any:
    """What a fact tells where /etc/kubernetes is this folder."""
    script = fact().command(**arguments).replace("/etc/kubernetes", str(folder))
    return fact().process(run(script).splitlines())


def test_both_ends_tell_the_authority_by_the_same_fingerprint(tmp_path: Path) -> None:
    """Also where a certificate authority of one's own has text around it, or another after it."""
    first, second = (certificate().public_bytes(Encoding.PEM).decode() for _ in range(2))
    (tmp_path / "pki").mkdir()
    for text in (first, f"Certificate:\n    Data: 1\n{first}", f"{first}{second}"):
        (tmp_path / "pki/ca.crt").write_text(text)
        state = in_folder(facts.Joined, tmp_path)
        assert state.ca_sha256 == joining.authority(text).sha256
        assert state.leftovers
        assert not state.unfinished
        assert not state.kubelet_conf


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([], facts.JoinState()),
        (["leftovers=yes", "leftovers=yes"], facts.JoinState(leftovers=True)),
        (
            ["kubelet_conf=yes", "leftovers=yes", f"ca={CA}  -"],
            facts.JoinState(True, True, CA),
        ),
        (
            ["leftovers=yes", "unfinished=yes", "control_plane=yes"],
            facts.JoinState(leftovers=True, unfinished=True, control_plane=True),
        ),
        (["junk", "="], facts.JoinState()),
    ],
)
def test_joined_fact(lines: list[str], state: facts.JoinState) -> None:
    assert facts.Joined().process(lines) == state


def test_kubeconfig_fact() -> None:
    lines = ["home=/home/me", "admin=1", "copy=2", "right=yes", "backed_up=yes"]
    found = facts.KubeconfigCopy().process(lines)
    assert found == facts.KubeconfigState("/home/me", "1", "2", True, True)
    assert facts.KubeconfigCopy().process(["junk"]) == facts.KubeconfigState()


@pytest.mark.parametrize("user", ["x; touch made", "$(touch made)", "it's", "me@corp.example"])
def test_a_login_never_becomes_part_of_the_script(user: str, tmp_path: Path) -> None:
    command = facts.KubeconfigCopy().command(user)
    ran = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    assert list(tmp_path.iterdir()) == []
    assert "right=yes" not in ran.stdout


def test_the_copy_of_a_login_is_right_by_its_owners_number(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    copy = tmp_path / ".kube" / "config"
    copy.touch(0o600)
    line = f"me@corp.example:x:{os.getuid()}:0::{tmp_path}:/bin/sh"
    fakes = f"getent() {{ echo '{line}'; }}; id() {{ echo {os.getuid()}; }}\n"
    script = fakes + facts.KubeconfigCopy().command("me@corp.example")

    def right() -> bool:
        ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        return facts.KubeconfigCopy().process(ran.stdout.splitlines()).right

    assert right()
    copy.chmod(0o644)
    assert not right()


def test_leftovers_fact() -> None:
    assert facts.Leftovers().process(["folders", " package:kubelet ", ""]) == {
        "folders",
        "package:kubelet",
    }


def test_network_facts() -> None:
    lines = [
        "route 10.244.1.0/24 via 10.0.0.11 dev eth0 ",
        "route 10.244.9.0/24 dev eth0 scope link ",
        "route",
        "chains",
    ]
    state = cni_facts.Routes().process(lines)
    assert state == cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.11"}, True)
    assert cni_facts.Routes().process(["junk", ""]) == cni_facts.RoutesState({})
    line = r"4: cni0    inet 10.244.1.1/24 brd 10.244.1.255 scope global cni0\       valid_lft ..."
    assert cni_facts.BridgeAddress().process([line]) == "10.244.1.1"
    assert cni_facts.BridgeAddress().process(["", "junk"]) == ""


@pytest.mark.parametrize(
    ("fact", "arguments"),
    [
        (ControlPlane, {"config": "/d", "node": "cp1", "kubelet_config": "k"}),
        (facts.Joined, {}),
        (facts.KubeconfigCopy, {"user": "root"}),
        (facts.KubeconfigCopy, {"user": "no-such-login"}),
        (facts.Leftovers, {}),
        (cni_facts.Routes, {"protocol": 107}),
        (cni_facts.BridgeAddress, {}),
    ],
)
def test_facts_need_nothing_installed(fact: Any, arguments: dict[str, Any], tmp_path: Path) -> None:
    """Where every program is missing they end well, with something that can be read."""
    done = subprocess.run(
        ["/bin/sh", "-c", fact().command(**arguments)],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert isinstance(fact().process(done.stdout.splitlines()), type(fact.default()))
