"""Redaction, reasons, answers, bastions' names, event files."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
from pathlib import Path

import paramiko
import pytest

from kubeinstall.engine.batch import Question, answers, ask_script
from kubeinstall.engine.events import VERSION, EventLog
from kubeinstall.engine.redact import MASK, Redactor
from kubeinstall.engine.types import Event, Output, Status
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.inventory.model import Jump
from kubeinstall.ssh.dialer import load_key
from kubeinstall.ssh.reasons import ChangedHostKey, SshFailure, UnknownHostKey, failure
from kubeinstall.ssh.target import Target

pytestmark = pytest.mark.unit

KEY = paramiko.ECDSAKey.generate()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("kubeadm join --token abcdef.0123456789abcdef x", f"kubeadm join --token {MASK} x"),
        ("--certificate-key " + "a1" * 32, f"--certificate-key {MASK}"),
        ("certificateKey: " + "a1" * 32 + "\nx", f"certificateKey: {MASK}\nx"),
        ("  client-key-data: TUlJ\n  x: y", f"  client-key-data: {MASK}\n  x: y"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {MASK}"),
        (
            "a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb",
            f"a\n{MASK}\nb",
        ),
        ("MIIEpAIBAAKCAQEA" + "x" * 48, MASK),
        ("sha256:" + "a1" * 32, "sha256:" + "a1" * 32),
        ("kube-proxy.v1234567890abcdefg", "kube-proxy.v1234567890abcdefg"),
        ("the hunter2 is out", f"the {MASK} is out"),
        ("drops ops cops", f"drops {MASK} cops"),
    ],
)
def test_secrets_are_taken_out(text: str, left: str) -> None:
    assert Redactor(["hunter2", "ops"])(text) == left


def test_a_secret_of_several_lines_is_hidden_line_by_line() -> None:
    redact = Redactor()
    redact.hide("first line\nsecond line\n")
    assert redact("x second line y") == f"x {MASK} y"


def target() -> Target:
    return Target("10.0.0.1", 2222, "root", None, None, None, Path("/kh"), accept_new=False)


@pytest.mark.parametrize(
    ("error", "what", "next"),
    [
        (ConnectionRefusedError(), "10.0.0.1:2222 refused", "ssh.port"),
        (TimeoutError(), "no answer from 10.0.0.1:2222", "ping 10.0.0.1"),
        (socket.gaierror(-2, "Name or service not known"), "cannot be resolved", "getent hosts"),
        (
            paramiko.SSHException("Error reading SSH protocol banner"),
            "not an ssh server",
            "root@10.0.0.1",
        ),
        (paramiko.AuthenticationException("no"), "rejected the login of root", "by hand"),
        (EOFError(), "closed the connection", "ssh -p 2222"),
        (UnknownHostKey(KEY), "is not known", "ssh-keyscan -p 2222 10.0.0.1 >> /kh"),
        (
            ChangedHostKey(KEY, 1),
            "HAS CHANGED",
            "ssh-keygen -f /kh -R '[10.0.0.1]:2222'",
        ),
        (OSError(113, "No route to host"), "cannot connect to 10.0.0.1:2222", "ssh -p 2222"),
    ],
)
def test_a_failed_connect_says_what_and_what_next(error: Exception, what: str, next: str) -> None:
    found = failure(error, target())
    assert what in found.what
    assert next in found.next


@pytest.mark.parametrize(
    ("given", "user", "address", "port"),
    [
        ("jump", "", "jump", 22),
        ("you@jump:2200", "you", "jump", 2200),
        ("you@10.0.0.3", "you", "10.0.0.3", 22),
        ("you@corp.example@jump:2200", "you@corp.example", "jump", 2200),
        ("[::1]:2200", "", "::1", 2200),
        ("CORP\\you@[2001:db8::1]", "CORP\\you", "2001:db8::1", 22),
    ],
)
def test_a_bastions_name_is_taken_apart(given: str, user: str, address: str, port: int) -> None:
    assert Jump.parse(given) == Jump(user, address, port)


def test_keys_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    locked, junk = tmp_path / "locked", tmp_path / "junk"
    KEY.write_private_key_file(str(locked), password="secret")
    junk.write_text("no key")
    assert load_key(locked, "secret") == KEY
    for path, passphrase, why in (
        (locked, None, "has a passphrase, and none is set"),
        (locked, "wrong", "cannot be used"),
        (junk, None, "cannot be used"),
        (tmp_path / "none", None, "cannot be read"),
    ):
        with pytest.raises(SshFailure) as caught:
            load_key(path, passphrase)
        assert why in caught.value.what
    (tmp_path / "locked-cert.pub").write_text("junk")
    with pytest.raises(SshFailure) as caught:
        load_key(locked, "secret")
    assert "locked-cert.pub next to it is not a certificate" in caught.value.why


def asked(*questions: Question) -> tuple[Output, str]:
    script, mark = ask_script(questions)
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    return Output(done.returncode, done.stdout, done.stderr), mark


def test_answers_are_told_apart_whatever_they_are() -> None:
    output, mark = asked(
        Question("printf 'no newline'"),
        Question("printf 'a\\n\\nb\\n'; echo e >&2; exit 3"),
        Question("cat; echo after"),
        Question("echo 'unbalanced"),
        Question("echo there", needs="sh"),
        Question("echo there", needs="no-such-program-anywhere"),
        Question("true"),
        Question("cat <<X\nhere ' \"\nX"),
    )
    found = answers(output, mark)
    assert [a.lines for a in found] == [
        ("no newline",),
        ("a", "", "b"),
        ("after",),
        (),
        ("there",),
        (),
        (),
        ("here ' \"",),
    ]
    assert [a.exit_code == 0 for a in found] == [True, False, True, False, True, True, True, True]
    assert found[1].exit_code == 3
    assert found[1].errors == ("e",)
    assert found[3].errors
    assert [a.missing for a in found].index(True) == 5


def test_a_script_that_is_cut_off_has_fewer_answers() -> None:
    output, mark = asked(Question("echo one"), Question("echo two"))
    cut = Output(137, output.stdout[: len(output.stdout) // 2], output.stderr)
    assert len(answers(cut, mark)) == 1


def test_the_event_file_is_private_and_has_a_record_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.touch(mode=0o644)
    log = EventLog(path)
    log(Event("w1", "hosts", "Ünder", Status.CHANGED, exit_code=0))
    # Each record is there at once: a run that is killed has its events up to then.
    [line] = path.read_text().splitlines()
    log.close()
    record = json.loads(line)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert record["version"] == VERSION
    assert (record["operation"], record["status"], record["changed"]) == ("Ünder", "changed", True)


def test_an_event_file_that_cannot_be_written_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(KubeinstallError) as caught:
        EventLog(tmp_path / "no" / "events")
    assert caught.value.exit_code == Kind.LOCAL
