"""Logins that set, print, refuse: what reaches commands of them, over real shells."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kubeinstall.ssh import shell
from kubeinstall.ssh.agent import Wrap
from kubeinstall.ssh.connection import Connection
from kubeinstall.ssh.reasons import SshFailure
from kubeinstall.ssh.streams import ConnectionLost, TooMuchOutput
from tests.unit import played
from tests.unit.played import PlayedClient, run_dir

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("run_dir")]
_ = run_dir

HOSTILE = {
    "http_proxy": "http://10.9.9.9:3128",
    "HTTPS_PROXY": "http://10.9.9.9:3128",
    "KUBECONFIG": "/nowhere",
    "CDPATH": "/tmp:/",
    "BASH_ENV": "/tmp/evil",
    "ENV": "/tmp/evil",
    "LC_ALL": "xx_XX",
    "LD_LIBRARY_PATH": "/nowhere",
    "GREP_OPTIONS": "--color=always",
    "BASH_FUNC_head%%": "() { echo fooled; }",
    "BASH_FUNC_env%%": "() { echo fooled; }",
    "PATH": f"/nowhere:{os.environ['PATH']}",
}


def said_before(text: str, program: str = "sh") -> Callable[[str], Sequence[str]]:
    """A login whose shell prints something on both outputs first, as ~/.bashrc may."""
    quoted = shlex.quote(text)
    return lambda line: [
        program,
        "-c",
        f"printf %s {quoted}; printf %s {quoted} >&2; {line}",
    ]


def ask(connection: Connection, script: str, stdin: str = "") -> tuple[int, str, str]:
    output = connection.run(script, Wrap(20), stdin=stdin)
    return output.exit_code, output.stdout, output.stderr


@pytest.mark.parametrize("program", ["sh", "bash", "dash"])
def test_of_the_logins_environment_only_home_reaches_a_command(program: str) -> None:
    assert shutil.which(program)
    client = PlayedClient(lambda line: [program, "-c", f"umask 077; {line}"], **HOSTILE, HOME="/x")
    with played.connection(client, user="root") as connection:
        code, out, err = ask(connection, "env; pwd; umask")
    assert (code, err) == (0, "")
    *variables, where, mask = out.splitlines()
    assert dict(
        v.split("=", 1) for v in variables if v[:6] not in ("PWD=/", "OLDPWD", "_=/usr")
    ) == {
        "PATH": shell.PATH,
        "HOME": "/x",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    assert (where, mask) == ("/", "0022")


def test_what_sudo_adds_to_the_environment_does_not_reach_a_command(tmp_path: Path) -> None:
    """PAM fills it again out of /etc/environment after sudo has emptied it."""
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nshift 3\nhttp_proxy=http://10.9.9.9 HOME=/root exec "$@"\n')
    sudo.chmod(0o755)
    words = shlex.split(shell.command_line([str(sudo), "-n", "-H", "--"], ["env", "mark"]))
    done = subprocess.run(words, env=HOSTILE, capture_output=True, text=True, check=True)
    assert "http" not in done.stdout
    assert "HOME=/root\n" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "Welcome to h1!\n",
        "no newline",
        "root\nfree\nLOCKED\nuid 0\nKI-who-is-it uid 0\n0\n",
        "\nKI hello 0 1\n\nKI0-1 0 1\n",
        "x" * 60_000,
    ],
    ids=range(5),
)
def test_what_a_login_prints_first_is_no_answer(text: str) -> None:
    with played.connection(PlayedClient(said_before(text)), user="root") as connection:
        connection.become_root()
        assert ask(connection, "cat; echo no >&2; exit 3", "fed\n") == (3, "fed\n", "no\n")


def test_what_is_printed_between_two_commands_is_no_answer() -> None:
    with played.connection(PlayedClient(), user="root") as connection:
        ask(connection, "(sleep 0.3; echo late; echo late >&2) & echo first")
        done = connection.run("sleep 0.6; echo second", Wrap(20))
        assert done.stdout.endswith("second\n")
        ask(connection, "(sleep 0.2; echo late; echo late >&2) & echo first")
        time.sleep(0.5)
        assert ask(connection, "echo second") == (0, "second\n", "")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            'echo; echo \'Please login as the user "admin" rather than "root".\'; exit 142',
            'Please login as the user "admin" rather than "root".',
        ),
        ("echo This account is currently not available.; exit 1", "currently not available"),
        ("echo 'rbash: /bin/sh: restricted' >&2; exit 127", "rbash: /bin/sh: restricted"),
        ("exit 1", "it exited without any output"),
    ],
    ids=["forced", "nologin", "rbash", "false"],
)
def test_a_login_without_a_shell_is_reported_with_what_it_said(command: str, said: str) -> None:
    client = PlayedClient(lambda _: ["sh", "-c", command])
    with (
        played.connection(client, user="root") as connection,
        pytest.raises(SshFailure, match="root does not get a shell that runs commands") as caught,
    ):
        connection.become_root()
    assert said in caught.value.why
    assert "ssh root@10.0.0.1 id" in caught.value.next
    assert "ssh.user" in caught.value.next


def test_what_is_no_shell_is_sent_nothing(tmp_path: Path) -> None:
    """A forced command may write what it reads to a file that everybody reads."""
    got = tmp_path / "got"
    client = PlayedClient(lambda _: ["sh", "-c", f"echo hi; exec timeout 1 cat > {got}"])
    with played.connection(client, user="root") as connection, pytest.raises(SshFailure):
        connection.become_root()
    assert got.read_bytes() == b""
    assert all(channel.sent == b"" for channel in client.transport.channels)


def test_a_login_that_prints_without_end_is_left() -> None:
    client = PlayedClient(lambda _: ["sh", "-c", "yes >&2"])
    with played.connection(client, user="root") as connection, pytest.raises(TooMuchOutput):
        connection.become_root()
    assert not client.transport.active


def test_the_line_for_the_login_shell_needs_no_shells_own_quoting() -> None:
    """fish reads backslashes between single quotes, csh exclamation marks and ends of lines."""
    line = shell.command_line(["sudo", "-k", "-S", "-p", "", "--"], [shell._HELLO, "KI1", "12"])
    assert not set(line) & set("\\!\n")
    # No single quote within single quotes either.
    assert "'\"'\"'" not in line


def test_a_host_that_answers_no_number_is_not_believed() -> None:
    client = PlayedClient(
        lambda line: ["sh", "-c", f"exec 3>&1; {line.replace('hello $u', 'hello ²')}"]
    )
    with (
        played.connection(client, user="root") as connection,
        pytest.raises(ConnectionLost, match="cannot be parsed"),
    ):
        connection.become_root()
