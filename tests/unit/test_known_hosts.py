"""known_hosts files: what ssh itself finds in them is what is found here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import paramiko
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeinstall.ssh.known_hosts import KnownHosts, Marker, matches, name_of

pytestmark = pytest.mark.unit

KEYS = [paramiko.ECDSAKey.generate() for _ in range(3)]
LINES = [f"{key.get_name()} {key.get_base64()}" for key in KEYS]
NAMES = ("gate.example.org", "192.0.2.17", "[192.0.2.17]:2222", "[gate.example.org]:23", "[::1]:22")


def found_by_ssh(path: Path, name: str) -> list[tuple[int, str]]:
    """The lines that ssh-keygen finds, with what it says of their markers; -l has it read keys."""
    ran = subprocess.run(
        ["ssh-keygen", "-l", "-F", name, "-f", path], capture_output=True, text=True, check=False
    )
    markers = {"CA": Marker.AUTHORITY, "REVOKED": Marker.REVOKED}
    heads = [line.split() for line in ran.stdout.splitlines() if line.startswith("# Host")]
    return [(int(head[5]), markers.get(head[6] if len(head) > 6 else "", "")) for head in heads]


def found_here(path: Path, name: str) -> list[tuple[int, str]]:
    return [(entry.line, entry.marker) for entry in KnownHosts.read(path).of(name)]


def hashed(name: str, tmp_path: Path) -> str:
    path = tmp_path / "to-hash"
    path.write_text(f"{name} {LINES[0]}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    return path.read_text().split()[0]


def test_what_ssh_finds_is_found(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    ed25519 = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ed25519], check=True)
    public = ed25519.with_suffix(".pub").read_text().strip()
    first = LINES[0]
    lines = [
        "# a comment",
        "",
        f"gate.example.org,192.0.2.17 {first} somebody@somewhere of many words",
        f"*.example.org {LINES[1]}",
        f"192.0.2.? {LINES[1]}",
        f"192.0.2.1? {LINES[1]}",
        f"*,!gate.example.org {LINES[2]}",
        f"!gate.example.org {LINES[2]}",
        f"[192.0.2.17]:2222 {first}\r",
        f"[*]:23 {first}\r",
        f"  \tGATE.example.ORG\t {first}",
        f"{hashed('192.0.2.17', tmp_path)} {first}",
        f"{hashed('[192.0.2.17]:2222', tmp_path)} {first}",
        f"@revoked * {LINES[2]}",
        f"@cert-authority *.example.org {LINES[1]}",
        f"@cert-authority @revoked * {LINES[1]}",
        f"@unknown * {LINES[1]}",
        f"* {public}",
        f"*\t{public}\t# with a comment",
        "* ssh-ed25519",
        "*",
        "* ssh-ed25519 AAAA",
        f"* ssh-ed25519 {first.split()[1]}",
        f"* {first[:-20]}",
        "* no-such-key AAAAC25vLXN1Y2gta2V5",
        f"|1|AAAA|BBBB {first}",
        f"|1| {first}",
        f"* {first}",
    ]
    path.write_text("\n".join(lines))
    for name in NAMES:
        assert found_here(path, name) == found_by_ssh(path, name), name
    assert found_here(path, "gate.example.org")


def test_bytes_that_are_no_text_spoil_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    ends = "a\x0bb\x0cc\x85d\u2028e"  # no ends of lines to ssh
    path.write_bytes(b"\xff\xfe x\n" + f"* {LINES[0]} {ends}\n".encode() + b"# \xe9\n")
    assert found_here(path, "x") == found_by_ssh(path, "x") == [(2, "")]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    patterns=st.lists(
        st.text(alphabet="!*?.[]:12gx-", min_size=1, max_size=8), min_size=1, max_size=3
    ),
    name=st.text(alphabet=".[]:12gx-", min_size=1, max_size=6).filter(lambda t: t[0] != "-"),
)
def test_any_pattern_means_what_it_means_to_ssh(
    tmp_path: Path, patterns: list[str], name: str
) -> None:
    names = ",".join(patterns)
    path = tmp_path / "known_hosts"
    path.write_text(f"{names} {LINES[0]}\n")
    assert matches(names, name) == bool(found_by_ssh(path, name))


def test_many_stars_take_no_time() -> None:
    assert not matches("*" * 500 + "b", "a" * 200)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("@cert-authorty * x y", "the marker '@cert-authorty' is unknown"),
        ("@revoked", "not have the form"),
        ("host ssh-ed25519", "not have the form"),
        ("host # comment here", "not have the form"),
        ("host ssh-rsa ???", "not Base64"),
        ("host ssh-rsa AAAAC3NzaC1lZDI1NTE5", "not of the type 'ssh-rsa'"),
        (f"host {LINES[0][:-20]}", "not a complete"),
        (f"|1|AAAA|BBBB {LINES[0]}", "hashed name"),
        ("host ssh-dss AAAAB3NzaC1kc3M=", "are not supported"),
    ],
)
def test_a_line_that_is_skipped_says_why(line: str, why: str) -> None:
    known = KnownHosts.parse(f"# first\n{line}\n* {LINES[1]}\n")
    assert len(known.entries) == 1
    [skipped] = known.skipped
    assert skipped.line == 2
    assert why in skipped.why


@pytest.mark.parametrize(
    ("address", "port", "name"),
    [("Gate", 22, "gate"), ("10.0.0.1", 2222, "[10.0.0.1]:2222"), ("::1", 23, "[::1]:23")],
)
def test_names_are_made_as_ssh_makes_them(address: str, port: int, name: str) -> None:
    assert name_of(address, port) == name


def test_a_file_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    assert KnownHosts.read(tmp_path / "none") == KnownHosts()
