"""Failures as hosts told them, and what is read from that; hostile answers among them.

A file in ``recordings/failures`` has what shall be said in its first lines, then what the failed
command printed, then what was gathered on the host.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kubeinstall.diagnose.causes import CAUSES, telling
from kubeinstall.diagnose.diagnose import diagnose
from kubeinstall.diagnose.evidence import SCRIPT, Evidence
from kubeinstall.findings import Finding, Kind
from tests.unit.recorded import RECORDINGS

pytestmark = pytest.mark.unit

FAILURES = sorted((RECORDINGS / "failures").glob("*.txt"))
PARTS = ("kubelet", "kubelet-log", "kubelet-flags", "runtime", "containers", "disk")


def read(path: Path) -> tuple[str, str, str, Evidence]:
    head, _, rest = path.read_text().partition(">>> output\n")
    output, _, evidence = rest.partition(">>> evidence\n")
    why, then = (line.partition(": ")[2] for line in head.splitlines())
    lines = [f"\036{line}" if line in PARTS else line for line in evidence.splitlines()]
    return why, then, output, Evidence.parse("\n".join(lines))


@pytest.mark.parametrize("path", FAILURES, ids=lambda path: path.stem)
def test_what_is_read_from_a_failure(path: Path) -> None:
    why, then, output, evidence = read(path)
    tail = "\n".join(output.strip().splitlines()[-6:])
    failed = Finding(
        Kind.OPERATION, "It: failed", ("cp1",), f"its script ended:\n{tail}", "see logs"
    )
    found = diagnose(failed, output, evidence)
    assert found.why == why
    assert found.next == then
    assert "stack trace" not in found.why


def test_what_accompanies_every_failure_is_no_reason() -> None:
    failed = Finding(
        Kind.OPERATION,
        "It: failed",
        ("cp1",),
        "its script ended:\nTo see the stack trace of this error execute with --v=5 or higher",
    )
    assert diagnose(failed, "").why == "its script ended:"
    assert telling("I1 x level=info msg=failed\nW1126 x\nE: real") == "E: real"


@pytest.mark.parametrize(
    "containers",
    [
        "docker logs $(reboot);kube-apiserver;\n  words",
        "docker logs 0a1b;kube-apiserver`id`;\n  words",
        "reboot;etcd;\n  words",
        "tail -n 20 /var/log/pods/x;y;etcd;\n  words",
        "\n  words\n",
    ],
)
def test_what_a_host_calls_a_container_gets_into_no_command(containers: str) -> None:
    evidence = Evidence.parse(f"\036containers\n{containers}")
    found = diagnose(
        Finding(Kind.OPERATION, "It: failed", ("cp1",), "x", "y"), "timed out", evidence
    )
    assert "reboot" not in f"{found.why}{found.next}"
    assert "`id`" not in f"{found.why}{found.next}"


def test_no_command_that_never_prints_a_line_is_suggested() -> None:
    texts = [cause.next for cause in CAUSES]
    for folder in ("kubeinstall", "docs", "README.md"):
        files = [Path(folder)] if folder.endswith(".md") else Path(folder).rglob("*.[pm][yd]")
        texts += [path.read_text() for path in files]
    assert not [text for text in texts if "kubelet -p err" in text or "-p err -u kubelet" in text]


def programs(folder: Path, log: str) -> None:
    """A kubelet's journal, no runtime."""
    (folder / "log").write_text(log)
    for name, text in {
        "journalctl": f'case "$*" in *"-u kubelet"*) cat {folder}/log ;; esac',
        "systemctl": "case $1 in is-active) exit 3 ;; esac",
        "docker": "exit 1",
        "crictl": "exit 1",
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)


def test_a_line_that_repeats_does_not_push_the_real_one_out(tmp_path: Path) -> None:
    real = "E1126 12:00:00.000000 811 x.go:1] Failed to watch: dial tcp 192.0.2.1:6443: i/o timeout"
    effect = 'E1126 12:00:{0:02}.{0:06} 811 kubelet.go:2263] node "w1" not found for {0:x}9f'
    log = "\n".join([real, "I1126 fine", *(effect.format(n) for n in range(3000))])
    programs(tmp_path, log)
    ran = subprocess.run(
        ["sh", "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    evidence = Evidence.parse(ran.stdout)
    lines = evidence["kubelet-log"].splitlines()
    assert lines[0] == real
    assert len(lines) < 8
    assert "192.0.2.1:6443" in evidence.last_words
