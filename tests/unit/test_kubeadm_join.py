"""kubeadm join: when it runs and with what, and what it needs to know of the cluster."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyinfra.api.exceptions import OperationError

from kubeinstall import resources
from kubeinstall.cluster import joining
from kubeinstall.facts import kubeadm as facts
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.operations import kubeadm
from kubeinstall.operations.kubeadm import JoinDecision, decide
from tests.unit.certificates import certificate
from tests.unit.operating import commands, run, texts

pytestmark = pytest.mark.unit

CA, OTHER_CA = "a" * 64, "b" * 64
JOINED = facts.JoinState(True, True, CA)


@pytest.mark.parametrize(
    ("state", "known", "ca", "decision"),
    [
        # Nothing there.
        (facts.JoinState(), False, CA, JoinDecision.JOIN),
        (facts.JoinState(), None, None, JoinDecision.JOIN),
        # The cluster has a node of that name, the host is new: it takes the place.
        (facts.JoinState(), True, CA, JoinDecision.JOIN),
        # Cut off half way.
        (facts.JoinState(leftovers=True), False, CA, JoinDecision.REPAIR),
        (facts.JoinState(leftovers=True, ca_sha256=OTHER_CA), None, None, JoinDecision.REPAIR),
        # A node.
        (JOINED, True, CA, JoinDecision.LEAVE),
        (JOINED, None, None, JoinDecision.LEAVE),
        # It was removed from the cluster, or lost a file that the kubelet needs.
        (JOINED, False, CA, JoinDecision.REPAIR),
        (facts.JoinState(True, False, ""), True, CA, JoinDecision.REPAIR),
        # Cut off between its certificate and its last steps.
        (facts.JoinState(True, True, CA, unfinished=True), True, CA, JoinDecision.FINISH),
        (facts.JoinState(True, True, CA, unfinished=True), None, None, JoinDecision.FINISH),
        (facts.JoinState(True, True, CA, unfinished=True), False, CA, JoinDecision.REPAIR),
        # What is left of another cluster's control plane, or of this one's name.
        (
            facts.JoinState(leftovers=True, ca_sha256=OTHER_CA, control_plane=True),
            False,
            CA,
            JoinDecision.FOREIGN,
        ),
        (
            facts.JoinState(leftovers=True, ca_sha256=CA, control_plane=True),
            False,
            CA,
            JoinDecision.REPAIR,
        ),
        # A node of another cluster, whatever the names are.
        (facts.JoinState(True, True, OTHER_CA), True, CA, JoinDecision.FOREIGN),
        (facts.JoinState(True, True, OTHER_CA), False, CA, JoinDecision.FOREIGN),
        # No cluster could be asked: nobody knows.
        (facts.JoinState(True, True, OTHER_CA), None, None, JoinDecision.LEAVE),
    ],
)
def test_decide(
    state: facts.JoinState, known: bool | None, ca: str | None, decision: JoinDecision
) -> None:
    assert decide(state, known, ca) is decision


def joins(monkeypatch: pytest.MonkeyPatch, state: facts.JoinState, **given: Any) -> list[Any]:
    arguments = {
        "config": "secret",
        "node": "w1",
        "known": False,
        "ca_sha256": CA,
        "cri_socket": "unix:///s",
        "version": "1.20.2",
    }
    return commands(monkeypatch, kubeadm.join, {facts.Joined: state}, **{**arguments, **given})


def test_a_join_gets_its_token_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = joins(monkeypatch, facts.JoinState(), skip_phases=("preflight",))
    (text,) = texts([command])
    assert "\nset -- /usr/bin/kubeadm join --config /dev/stdin --skip-phases=preflight\n" in text
    assert command.stdin == "secret"
    assert command.stream
    assert "secret" not in f"{command} {command!r}"


CONF = """\
users:
- name: default-auth
  user:
    client-certificate: {folder}/kubelet-client-current.pem
    client-key: {folder}/kubelet-client-current.pem
"""


@pytest.mark.parametrize(
    ("files", "runs", "code"),
    [
        # Nothing, the kubelet's configuration alone, and the certificate that it names.
        ([], True, 124),
        (["kubelet.conf"], True, 124),
        (["kubelet-client-current.pem"], True, 124),
        (["kubelet.conf", "kubelet-client-current.pem"], True, 0),
        # It has failed already.
        ([], False, 1),
    ],
)
def test_a_kubelet_counts_as_started_when_it_has_its_certificate(
    tmp_path: Path, files: list[str], runs: bool, code: int
) -> None:
    """For as long as kubeadm runs, which starts it; and no longer than a limit."""
    for name in files:
        (tmp_path / name).write_text(CONF.format(folder=tmp_path))
    script = resources.script("kubeadm/waiting_kubelet")
    for there, here in {
        "/run/systemd/system": str(tmp_path / "units"),
        "/etc/kubernetes": str(tmp_path),
        "timeout 20 ": "timeout 0.3 ",
    }.items():
        assert there in script
        script = script.replace(there, here)
    kubeadm = f"""
sed -n 's/^ExecStartPost=-//p' {tmp_path}/units/kubelet.service.d/*.conf > {tmp_path}/start
cat
{"MAINPID=$$" if runs else "true & MAINPID=$!; wait"}
export MAINPID
sh {tmp_path}/start
exit $?
"""
    ran = subprocess.run(
        ["sh", "-c", f"systemctl() {{ echo $*; }}\n{script}\n{kubeadm}"],
        input="configuration\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code
    assert ran.stdout == "configuration\ndaemon-reload\n"
    assert not [path for path in (tmp_path / "units").rglob("*") if path.is_file()]


def test_kubeadm_joins_while_the_kubelet_waits_for_its_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (join,) = texts(joins(monkeypatch, facts.JoinState(), environment="/e"))
    before, _, after = join.partition(resources.script("kubeadm/waiting_kubelet"))
    assert before == "set -a; . /e; set +a; "
    assert "\nset -- /usr/bin/kubeadm join " in after


def test_a_half_joined_worker_is_reset_first(monkeypatch: pytest.MonkeyPatch) -> None:
    reset, join = texts(joins(monkeypatch, facts.JoinState(leftovers=True)))
    assert reset == "/usr/bin/kubeadm reset -f --cri-socket unix:///s"
    assert "\nset -- /usr/bin/kubeadm join --config /dev/stdin\n" in join


def test_a_node_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert joins(monkeypatch, JOINED, known=True) == []


@pytest.mark.parametrize(
    ("joined", "active", "started"),
    [
        (JOINED, "inactive", True),
        (JOINED, "failed", True),
        (JOINED, "active", False),
        (JOINED, "activating", False),
        (facts.JoinState(), "inactive", False),
    ],
)
def test_a_nodes_kubelet_that_was_stopped_is_started(
    monkeypatch: pytest.MonkeyPatch, joined: facts.JoinState, active: str, started: bool
) -> None:
    known = {facts.Joined: joined, Unit: UnitState("loaded", active)}
    yielded = texts(commands(monkeypatch, kubeadm.kubelet_running, known))
    assert yielded == (["systemctl start kubelet"] if started else [])


def test_the_last_steps_of_a_join_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    state = facts.JoinState(True, True, CA, unfinished=True)
    (line,) = texts(joins(monkeypatch, state, known=True))
    assert "annotate --overwrite node w1 kubeadm.alpha.kubernetes.io/cri-socket=unix:///s" in line
    assert "rm -f /etc/kubernetes/bootstrap-kubelet.conf" in line


def test_a_node_of_another_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError, match="another cluster"):
        joins(monkeypatch, facts.JoinState(True, True, OTHER_CA))


def test_the_authority_is_what_kubeadm_pins(tmp_path: Path) -> None:
    made = certificate()
    pem = made.public_bytes(Encoding.PEM)
    found = joining.authority(pem.decode())
    assert found.sha256 == made.fingerprint(SHA256()).hex()
    key = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert found.key_hash == f"sha256:{hashlib.sha256(key).hexdigest()}"
    # The command in kubeadm's documentation.
    (tmp_path / "ca.crt").write_bytes(pem)
    there = "openssl pkey -pubin -outform der | openssl dgst -sha256 -hex"
    said = run(f"openssl x509 -pubkey -noout -in {tmp_path}/ca.crt | {there}")
    assert said.split()[-1] == found.key_hash.removeprefix("sha256:")


@pytest.mark.parametrize("text", ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate(text: str) -> None:
    with pytest.raises(ValueError):
        joining.authority(text)


def test_the_token_is_the_last_line() -> None:
    token = "abcdef.0123456789abcdef"
    assert joining.token(f"W1121 10:00:00 some warning\n{token}\n") == token
    for junk in ("", "\n", "error: no.\n", f"{token}0", "abcdef-0123456789abcdef"):
        with pytest.raises(ValueError, match="no token"):
            joining.token(junk)
