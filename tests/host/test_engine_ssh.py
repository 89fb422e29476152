"""The engine over ssh to a real host: ways in, ways out, locks, and what is left behind."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.deploy import deploy
from pyinfra.operations import files, server

from kubeinstall.engine.session import Session
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import LAB_FOLDER, Cluster
from kubeinstall.ssh.target import Target
from tests.host.beside import by_hand, free, until_some
from tests.host.engine_runs import CHATTY, CUT_OFF, LEFT_BEHIND, PROXY, STOPPED
from tests.running import REPO, kubeinstall
from tests.unit.local_session import steps
from tests.waiting import until

pytestmark = pytest.mark.host

INVENTORY = REPO / "tests" / "host" / "engine.yaml"
STATE = LAB_FOLDER / "engine-test"
OPS = {"user": "ops", "sudo_password": STATE / "password"}
KEY = {"bastion_key": str(STATE / "id_ed25519")}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    kubeinstall("lab", "up", "-i", INVENTORY).ok()
    yield load(INVENTORY)
    kubeinstall("lab", "down", "-i", INVENTORY).ok()


def reached(cluster: Cluster, **ssh: Any) -> Cluster:
    """The same cluster, its host reached another way."""
    [host] = cluster.hosts
    if isinstance(file := ssh.get("sudo_password"), Path):
        ssh["sudo_password"] = file.read_text().strip()
    changed = host.ssh.model_validate({**host.ssh.model_dump(), **ssh})
    return cluster.model_copy(update={"hosts": (host.model_copy(update={"ssh": changed}),)})


@pytest.mark.parametrize(
    "ssh",
    [
        {"user": "root"},
        {"user": "deploy"},
        OPS,
        {"user": "root", "bastion": "deploy@10.94.0.3", **KEY},
        {**OPS, "bastion": "root@10.94.0.3:22", **KEY},
    ],
    ids=lambda ssh: "-".join(str(ssh[key]) for key in ("user", "bastion") if key in ssh),
)
def test_every_way_in_is_root_and_reads_only_its_own_input(
    cluster: Cluster, ssh: dict[str, Any]
) -> None:
    with Session(reached(cluster, **ssh)) as session:
        session.connect()
        assert not session.failures
        assert session.ask("cp1", "id -u").stdout == "0\n"
        # A sudo password that nobody took would be the first line.
        assert session.ask("cp1", "cat", stdin="first\nsecond").stdout == "first\nsecond"
        assert session.ask("cp1", "cat").stdout == ""
        plain = session.ask("cp1", "id -un; cat", sudo=False, stdin="x").stdout
        assert plain == f"{ssh['user']}\nx"


@pytest.mark.parametrize(
    ("ssh", "what", "next"),
    [
        ({"user": "ops"}, "sudo asks ops for a password", "-K"),
        ({"user": "ops", "sudo_password": "wrong"}, "does not allow ops to become root", "sudoers"),
        ({"user": "nobody1"}, "rejected the login of nobody1", "ssh -i"),
        ({"port": 2222}, "10.94.0.11:2222 refused", "ssh.port"),
        ({"bastion": "root@10.94.0.3:23"}, "the bastion root@10.94.0.3:23 cannot", "sshd"),
        (
            {"bastion": "root@10.94.0.3", "port": 2222, **KEY},
            "cannot reach 10.94.0.11:2222",
            "nc -vz",
        ),
    ],
    ids=str,
)
def test_a_way_that_is_closed_says_why(
    cluster: Cluster, ssh: dict[str, Any], what: str, next: str
) -> None:
    with Session(reached(cluster, **ssh)) as session:
        session.connect()
        finding = session.failures["cp1"]
    assert finding.kind is Kind.CONNECT
    assert what in finding.what
    assert next in finding.next
    assert "wrong" not in str(finding)


def test_the_commands_by_hand_work(cluster: Cluster) -> None:
    """Those that findings suggest: ssh itself gets there, through the bastion too."""
    for ssh in ({}, {"bastion": "deploy@10.94.0.3", **KEY}, {"user": "deploy"}):
        [host] = reached(cluster, **ssh).hosts
        command = Target.of(host).running("hostname; echo $SSH_CONNECTION")
        ran = subprocess.run(
            ["sh", "-c", command], text=True, capture_output=True, check=False, timeout=30
        )
        assert ran.returncode == 0, ran.stderr
        name, connection = ran.stdout.splitlines()
        assert name == "cp1"
        assert connection.split()[0] == ("10.94.0.3" if "bastion" in ssh else "10.94.0.1")


@pytest.fixture
def chatty(cluster: Cluster) -> Iterator[None]:
    """The host's logins print and set things: bash's start-up file for all, and PAM's."""
    keep = "cp -a /etc/bash.bashrc /etc/environment /root/"
    set_all = f"printf '%s\\n' http_proxy={PROXY} PATH=/nowhere:/usr/bin:/bin >>/etc/environment"
    with Session(cluster) as session:
        session.connect()
        session.ask("cp1", f"{keep}; {set_all}; cat >/etc/bash.bashrc", stdin=CHATTY)
        session.ask("cp1", "for u in root deploy ops; do usermod -s /bin/bash $u; done")
        session.ask("cp1", "for h in /root /home/*; do rm -f $h/.bashrc; done")
    yield
    with Session(cluster) as session:
        session.connect()
        session.ask("cp1", "mv /root/bash.bashrc /root/environment /etc/")


@pytest.mark.usefixtures("chatty")
@pytest.mark.parametrize(
    "ssh",
    [{"user": "root"}, {"user": "deploy"}, OPS],
    ids=lambda ssh: str(ssh["user"]),
)
def test_what_a_login_prints_and_sets_reaches_no_command(
    cluster: Cluster, ssh: dict[str, str]
) -> None:
    with Session(reached(cluster, **ssh)) as session:
        session.connect()
        assert not session.failures
        session.lock()
        answer = session.ask("cp1", "env; umask; cat", stdin="fed\n")
        *variables, mask, fed = answer.stdout.splitlines()
        assert {line.partition("=")[0] for line in variables} - {"PWD", "OLDPWD", "_"} == {
            "PATH",
            "HOME",
            "LC_ALL",
            "DEBIAN_FRONTEND",
        }
        assert "HOME=/root" in variables
        assert (mask, fed, answer.stderr) == ("0022", "fed", "")


@pytest.mark.usefixtures("chatty")
def test_a_chatty_login_that_needs_a_password_is_told_so(cluster: Cluster) -> None:
    with Session(reached(cluster, user="ops")) as session:
        session.connect()
        assert "sudo asks ops for a password" in session.failures["cp1"].what
        assert "password is required" in session.failures["cp1"].why


@pytest.mark.parametrize(
    ("key_options", "shell", "said"),
    [
        ('command="echo Please login as the user admin; sleep 1" ', "/bin/bash", "user admin"),
        ("", "/usr/sbin/nologin", "not available"),
        ("", "/bin/rbash", "restricted"),
    ],
    ids=["forced", "nologin", "rbash"],
)
def test_a_login_that_gives_no_shell_says_what_it_said(
    cluster: Cluster, key_options: str, shell: str, said: str
) -> None:
    with Session(cluster) as session:
        session.connect()
        session.ask(
            "cp1",
            f"id limited >/dev/null 2>&1 || useradd -m limited; usermod -s {shell} limited\n"
            f"install -d -o limited /home/limited/.ssh; echo >>/etc/shells {shell}\n"
            "read -r key </root/.ssh/authorized_keys\n"
            f"echo '{key_options}'\"$key\" >/home/limited/.ssh/authorized_keys",
        )
    with Session(reached(cluster, user="limited")) as session:
        session.connect()
        finding = session.failures["cp1"]
    assert finding.kind is Kind.CONNECT
    assert "limited does not get a shell" in finding.what
    assert said in finding.why
    assert "limited@10.94.0.11 id" in finding.next


def test_a_flood_ends_with_its_host_named(cluster: Cluster) -> None:
    with Session(cluster) as session:
        session.connect()
        with pytest.raises(KubeinstallError, match="the host printed too much"):
            session.ask("cp1", "exec yes kubeinstall-flood")
        assert session.alive == []
    with Session(cluster) as session:
        session.connect()
        until(
            lambda: session.ask("cp1", "pgrep -fx 'yes kubeinstall-flood'").stdout == "",
            seconds=60,
        )


def test_an_upload_that_is_cut_off_leaves_the_file_as_it_was(
    cluster: Cluster, tmp_path: Path
) -> None:
    with (tmp_path / "large").open("wb") as file:
        # It does not come to its end before it is cut off.
        file.truncate(1 << 40)
    with Session(cluster) as session:
        session.connect()
        session.ask("cp1", "echo old >/root/target")
        words = [sys.executable, "-c", CUT_OFF, str(INVENTORY), str(tmp_path / "large")]
        process = subprocess.Popen(words, cwd=REPO)
        parts = "find /root -name '.target.*'"
        until_some(lambda: by_hand(cluster, f"{parts} -size +1M"))
        process.send_signal(signal.SIGKILL)
        process.wait()
        # It waits for what the cut upload left behind.
        assert session.ask("cp1", "cat /root/target").stdout == "old\n"
        assert by_hand(cluster, parts) == ""


def test_a_run_that_was_stopped_for_too_long_changes_nothing_more(cluster: Cluster) -> None:
    with Session(cluster) as session:
        session.connect()
        session.ask("cp1", "rm -f /run/changes")
        process = subprocess.Popen(
            [sys.executable, "-c", STOPPED, str(INVENTORY)],
            cwd=REPO,
            stdout=subprocess.PIPE,
            text=True,
        )
        until_some(lambda: by_hand(cluster, "cat /run/changes 2>/dev/null || true"))
        process.send_signal(signal.SIGSTOP)
        until(lambda: free(session), seconds=60)
        before = session.ask("cp1", "cat /run/changes").stdout
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 16
        assert "lost its lock on the cluster" in said
        assert f"process {os.getpid()}" in said
        assert session.ask("cp1", "cat /run/changes").stdout == before


def test_a_file_of_many_pieces_arrives_whole(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(os.urandom(5_000_001))

    @deploy("Upload")
    def upload() -> None:
        files.put(name="Upload", src=str(file), dest="/root/large")

    with Session(cluster) as session:
        session.connect()
        session.round("p", {"cp1": steps(upload)})
        assert not session.failures
        said = session.ask("cp1", "sha256sum < /root/large; rm /root/large").stdout
        assert said.split()[0] == hashlib.sha256(file.read_bytes()).hexdigest()
        # The connection is as good as before.
        assert session.ask("cp1", "cat", stdin="next").stdout == "next"


def test_host_keys_are_checked(cluster: Cluster, tmp_path: Path) -> None:
    [host] = cluster.hosts
    assert host.ssh.known_hosts
    kept = tmp_path / "known_hosts"
    kept.touch()
    unknown = reached(cluster, known_hosts=kept)
    with Session(unknown) as session:
        session.connect()
        assert "is not known" in session.failures["cp1"].what
        assert f"ssh-keyscan -p 22 10.94.0.11 >> {kept}" in session.failures["cp1"].next
    with Session(reached(cluster, known_hosts=kept, host_keys="accept-new")) as session:
        session.connect()
        assert not session.failures
    with Session(unknown) as session:
        session.connect()
        assert not session.failures
    other = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", other], check=True)
    kept.write_text("10.94.0.11 " + other.with_suffix(".pub").read_text())
    with Session(reached(cluster, known_hosts=kept, host_keys="accept-new")) as session:
        session.connect()
        assert "HAS CHANGED" in session.failures["cp1"].what
        assert f"ssh-keygen -f {kept} -R 10.94.0.11" in session.failures["cp1"].next


def test_a_host_that_is_known_by_its_rsa_key_is_asked_for_that(
    cluster: Cluster, tmp_path: Path
) -> None:
    make = "ssh-keygen -qt rsa -N '' -f /etc/ssh/ssh_host_rsa_key </dev/null; systemctl restart ssh"
    with Session(cluster) as session:
        session.connect()
        session.ask("cp1", make)
        key = session.ask("cp1", "cat /etc/ssh/ssh_host_rsa_key.pub").stdout
    known = tmp_path / "known_hosts"
    known.write_text(f"10.94.0.11 {key}")
    with Session(reached(cluster, known_hosts=known)) as session:
        session.connect()
        assert not session.failures


def test_big_outputs_and_inputs_come_through_whole(cluster: Cluster) -> None:
    with Session(cluster) as session:
        session.connect()
        script = "head -c 6000000 /dev/zero | tr '\\0' x >&2; wc -c"
        answer = session.ask("cp1", script, stdin="é" * 2_000_000)
        assert (answer.stdout, len(answer.stderr)) == ("4000000\n", 6_000_000)
        long = "true " + "x" * 300_000 + "; echo end"
        assert session.ask("cp1", long).stdout == "end\n"


def test_commands_are_in_no_list_of_processes(cluster: Cluster) -> None:
    with Session(reached(cluster, **OPS)) as session:
        session.connect()
        seen = session.ask("cp1", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; : sesame-word").stdout
    assert "sudo" in seen
    assert "sesame-word" not in seen


def test_a_child_in_the_background_holds_nobody_up(cluster: Cluster) -> None:
    with Session(cluster) as session:
        session.connect()
        began = time.monotonic()
        assert session.ask("cp1", "sleep 15 & echo started").stdout == "started\n"
        assert time.monotonic() - began < 8


def test_the_host_itself_ends_what_takes_too_long(cluster: Cluster) -> None:
    with Session(cluster) as session:
        session.connect()
        with pytest.raises(KubeinstallError, match="longer than 1 s and was ended"):
            session.ask("cp1", "sleep 31", timeout=1)
        assert session.alive == []
    with Session(cluster) as session:
        session.connect()
        assert session.ask("cp1", "pgrep -fx 'sleep 31'").stdout == ""


def test_one_run_at_a_time(cluster: Cluster) -> None:
    with Session(cluster) as first, Session(reached(cluster, user="deploy")) as second:
        first.connect()
        second.connect()
        first.lock()
        with pytest.raises(KubeinstallError) as caught:
            second.lock()
        finding = caught.value.findings[0]
        assert finding.kind is Kind.LOCKED
        assert f"process {os.getpid()}" in finding.why
        first.close()
        until(lambda: free(second), seconds=60)


def test_a_killed_run_frees_the_lock_and_its_command_is_waited_for(cluster: Cluster) -> None:
    lines: list[str] = []
    with Session(cluster, on_line=lambda _, line: lines.append(line)) as session:
        session.connect()
        session.ask("cp1", "rm -f /run/begun /run/ended")
        process = subprocess.Popen([sys.executable, "-c", LEFT_BEHIND, str(INVENTORY)], cwd=REPO)
        until_some(lambda: by_hand(cluster, "ls /run/begun"))
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: free(session), seconds=60)

        @deploy("After")
        def after() -> None:
            server.shell(name="After", commands=["test -e /run/ended"])

        session.round("p", {"cp1": steps(after)})
        assert not session.failures
    assert any("an earlier run started" in line for line in lines)
