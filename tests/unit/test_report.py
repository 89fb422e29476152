"""What people read of a run."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET

import pytest

from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import Finding, Kind
from kubeinstall.report import door
from kubeinstall.report.door import console
from kubeinstall.report.plan import Plan
from kubeinstall.report.tally import Tally
from kubeinstall.report.terminal import Terminal
from kubeinstall.verify.check import Result
from kubeinstall.verify.formats import as_json, as_junit, as_text

pytestmark = pytest.mark.unit


def event(
    host: str,
    status: Status,
    phase: str = "hosts",
    operation: str = "Turn off swap",
    output: str = "",
    diff: str = "",
) -> Event:
    return Event(host, phase, operation, status, seconds=1.5, output=output, diff=diff)


def terminal(*, verbose: bool = False, plan: Plan | None = None) -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    return Terminal(console(plain=True, file=file), verbose=verbose, plan=plan), file


def test_a_host_line_counts_and_adds_up() -> None:
    tally = Tally()
    for status in (Status.OK, Status.OK, Status.CHANGED, Status.FAILED):
        tally.add(event("w1", status))
    assert tally.host_lines(["cp1", "w1"], []) == [
        ("cp1  ok=0   changed=0   failed=0  seconds=0.0", False),
        ("w1   ok=2   changed=1   failed=1  seconds=6.0", False),
    ]


def test_a_host_that_is_out_without_an_operation_is_counted_as_failed() -> None:
    assert "failed=1" in Tally().host_lines(["w1"], ["w1"])[0][0]


def test_ok_is_told_only_when_asked_for() -> None:
    quiet, text = terminal()
    quiet.event(event("w1", Status.OK))
    assert text.getvalue() == ""
    wordy, text = terminal(verbose=True)
    wordy.event(event("w1", Status.OK))
    assert "w1: ok: Turn off swap" in text.getvalue()


def test_a_failure_comes_with_the_commands_words() -> None:
    reporter, text = terminal()
    reporter.event(event("w1", Status.FAILED, output="E: no such package"))
    assert "w1: failed: Turn off swap (1.5 s)" in text.getvalue()
    assert "E: no such package" in text.getvalue()


def test_brackets_in_output_are_left_alone() -> None:
    reporter, text = terminal()
    reporter.line("cp1", "[init] Using Kubernetes version: v1.20.2")
    assert "cp1 | [init] Using Kubernetes version: v1.20.2" in text.getvalue()


def test_long_lines_are_not_broken() -> None:
    reporter, text = terminal()
    reporter.line("cp1", "x" * 2000)
    assert "x" * 2000 in text.getvalue()


def test_what_is_waited_for_is_told_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("kubeinstall.report.terminal.time.monotonic", lambda: now[0])
    reporter, text = terminal()
    reporter.phase_begins("ready", "Wait")
    for second in range(20):
        now[0] = 100.0 + second
        reporter.waiting(f"node w1, and {20 - second} more")
    lines = [line for line in text.getvalue().splitlines() if "waiting" in line]
    assert lines == [
        "  waiting: node w1, and 14 more",
        "  waiting: node w1, and 8 more",
        "  waiting: node w1, and 2 more",
    ]


def test_the_end_names_each_host_and_why_one_is_out() -> None:
    reporter, text = terminal()
    reporter.phase_begins("hosts", "Prepare the hosts")
    reporter.event(event("w1", Status.CHANGED))
    reporter.phase_ends("hosts", 2.0)
    out = {"w2": Finding(Kind.CONNECT, "connection refused", ("w2",), next="ssh w2")}
    reporter.ends(["w1", "w2"], out, [])
    lines = text.getvalue().splitlines()
    assert lines[0] == "phase hosts: Prepare the hosts"
    assert "  error: w2: connection refused" in lines
    assert "2 hosts: 1 changed, 1 failed in 2.0 s" in lines
    assert "seconds by phase: hosts 2.0" in lines


def test_nothing_changed_is_said() -> None:
    reporter, text = terminal()
    reporter.event(event("w1", Status.OK))
    reporter.ends(["w1"], {}, [])
    assert "1 host: 0 changed" in text.getvalue()


def test_one_finding_of_two_hosts_is_told_once() -> None:
    reporter, text = terminal()
    finding = Finding(Kind.PREFLIGHT, "the same machine-id", ("w1", "w2"))
    reporter.ends(["w1", "w2"], {"w1": finding, "w2": finding}, [finding])
    assert text.getvalue().count("the same machine-id") == 1


def test_a_plan_labels_what_hangs_on_earlier_phases() -> None:
    plan = Plan()
    reporter, text = terminal(plan=plan)
    reporter.event(event("w1", Status.PLANNED, diff="-a\n+b"))
    reporter.event(event("w2", Status.PLANNED))
    reporter.event(event("w1", Status.PLANNED, "runtime", operation="Install docker.io"))
    assert "w1: would change: Turn off swap\n" in text.getvalue()
    assert "+b" in text.getvalue()
    assert "w1: would change: Install docker.io (after hosts)" in text.getvalue()
    record = plan.as_dict({})
    assert [change["after"] for change in record["changes"]] == [[], [], ["hosts"]]


def test_a_plan_keeps_only_changes() -> None:
    plan = Plan()
    plan.add(event("w1", Status.OK))
    assert plan.events == []


def test_what_kubeadm_verified_of_the_system_is_told_only_when_asked_for() -> None:
    lines = [
        "[preflight] The system verification failed. Printing the output from the verification:",
        "\x1b[0;37mKERNEL_VERSION\x1b[0m: \x1b[0;32m6.18.1\x1b[0m",
        "CONFIG_NAMESPACES: enabled",
        "OS: Linux",
        "\t[WARNING SystemVerification]: failed to parse kernel config",
        '[certs] Generating "ca" certificate and key',
    ]
    for verbose, shown in ((False, [0, 4, 5]), (True, range(6))):
        reporter, text = terminal(verbose=verbose)
        for line in lines:
            reporter.line("w1", line)
        found = text.getvalue().splitlines()
        assert len(found) == len(shown)
        assert "system verification failed" in found[0]
        assert "[certs]" in found[-1]


def test_no_colours_means_none_on_a_terminal_either(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[bool | None] = []
    monkeypatch.setattr("click.echo", lambda *_, color=None, **__: printed.append(color))
    try:
        for plain in (True, False):
            door.without_colours(plain)
            door.findings([Finding(Kind.USAGE, "no")])
    finally:
        door.without_colours(False)
    assert [printed[0], printed[2]] == [False, None]


RESULTS = [
    Result("cp1", "system.swap_is_off", "Swap is off", seconds=0.1),
    Result(
        "w1",
        "node.kubelet_runs",
        "The kubelet runs",
        True,
        "it \x1b[1mis <off>",
        "on w1: journalctl",
    ),
]
UNTRIED = Result("w1", "pods.reach", "Pods reach others", message="no <pod> runs", tried=False)


def test_verify_as_text() -> None:
    text = as_text(RESULTS)
    assert "  ok      Swap is off" in text
    assert "  FAILED  The kubelet runs" in text
    assert "next: on w1: journalctl" in text
    assert text.endswith("2 checks: 1 ok, 1 failed\n")


def test_what_could_not_be_tried_is_neither_good_nor_bad() -> None:
    both = [*RESULTS, UNTRIED]
    text = as_text(both)
    assert "  ?       Pods reach others\n          why:  no <pod> runs\n" in text
    assert text.endswith("3 checks: 1 ok, 1 failed, 1 not run\n")
    assert [check["tried"] for check in json.loads(as_json(both))["checks"]] == [True, True, False]
    suite = ET.fromstring(as_junit(both))[1]
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")
    skipped = suite.find(".//skipped")
    assert skipped is not None
    assert skipped.get("message") == "no <pod> runs"


def test_verify_as_json() -> None:
    record = json.loads(as_json(RESULTS))
    assert record["version"] == 1
    assert [check["failed"] for check in record["checks"]] == [False, True]


def test_verify_as_junit_is_well_formed_whatever_the_message() -> None:
    root = ET.fromstring(as_junit(RESULTS))
    assert [suite.get("name") for suite in root] == ["cp1", "w1"]
    failure = root.find(".//failure")
    assert failure is not None
    assert "<off>" in (failure.get("message") or "")
