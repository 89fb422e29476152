"""What people read of a run over two hundred hosts: a line for what they have in common."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from kubeinstall.engine.types import Event, Status
from kubeinstall.findings import Finding, Kind, listed
from kubeinstall.report.door import console
from kubeinstall.report.groups import together
from kubeinstall.report.live import Progress, at_work
from kubeinstall.report.plan import Plan
from kubeinstall.report.terminal import Terminal

pytestmark = pytest.mark.unit

HOSTS = {f"h{n}": (f"10.0.0.{n}",) for n in range(1, 201)}


def terminal(*, verbose: bool = False, plan: Plan | None = None) -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    out = console(plain=True, file=file)
    reporter = Terminal(out, verbose=verbose, plan=plan, hosts=HOSTS)
    reporter.phase_begins("hosts", "Prepare the hosts")
    return reporter, file


def event(
    host: str, status: Status, seconds: float = 1.0, output: str = "", diff: str = ""
) -> Event:
    return Event(host, "hosts", "Write it", status, seconds=seconds, output=output, diff=diff)


def lines(file: io.StringIO) -> list[str]:
    return file.getvalue().splitlines()[1:]


def test_what_all_did_is_one_line_at_the_end_of_the_phase() -> None:
    reporter, file = terminal()
    for number, name in enumerate(HOSTS):
        reporter.event(event(name, Status.CHANGED, 1 + number / 1000))
    assert lines(file) == []
    reporter.phase_ends("hosts", 3.0)
    assert lines(file) == [
        "  all 200 hosts: changed: Write it (1.0 to 1.2 s)",
        "  3.0 s, 200 changes",
    ]


def test_what_some_did_names_the_first_ones() -> None:
    reporter, file = terminal()
    for name in list(HOSTS)[:30]:
        reporter.event(event(name, Status.CHANGED))
    reporter.event(Event("h200", "hosts", "Another", Status.CHANGED, seconds=2.0))
    reporter.phase_ends("hosts", 3.0)
    assert lines(file)[:2] == [
        "  30 hosts (h1, h2, h3 and 27 more): changed: Write it (1.0 s)",
        "  h200: changed: Another (2.0 s)",
    ]


def test_a_long_phase_is_told_of_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("kubeinstall.report.terminal.time.monotonic", lambda: now[0])
    reporter, file = terminal()
    for number, name in enumerate(HOSTS):
        now[0] = number / 2
        reporter.event(event(name, Status.CHANGED))
    reporter.phase_ends("hosts", 100.0)
    assert [line.partition(" hosts")[0].strip() for line in lines(file)[:-1]] == [
        "62", "61", "61", "16",
    ]  # fmt: skip


def test_verbose_has_a_line_for_each_host_at_once() -> None:
    reporter, file = terminal(verbose=True)
    for name in HOSTS:
        reporter.event(event(name, Status.OK))
    assert len(lines(file)) == 200


def test_diffs_that_differ_in_own_words_are_shown_once() -> None:
    reporter, file = terminal(plan=Plan())
    every = "".join(f"\n+{ip} {name}" for name, (ip,) in HOSTS.items())
    for name, (address,) in HOSTS.items():
        diff = f"-127.0.0.1 {name}\n+node-ip: {address}{every}"
        reporter.event(event(name, Status.PLANNED, diff=diff))
    reporter.phase_ends("hosts", 1.0)
    assert lines(file)[0] == "  all 200 hosts: would change: Write it"
    assert "      +node-ip: 10.0.0.1" in lines(file)
    assert len(lines(file)) == 204


@pytest.mark.parametrize(
    ("one", "other"),
    [("server: 10.0.0.3", "server: 10.0.0.4"), ("h1.example", "h2.example"), ("a", "a\nb")],
)
def test_what_differs_otherwise_is_shown_for_each(one: str, other: str) -> None:
    reporter, file = terminal(plan=Plan())
    reporter.event(event("h1", Status.PLANNED, diff=one))
    reporter.event(event("h2", Status.PLANNED, diff=other))
    reporter.phase_ends("hosts", 1.0)
    assert [line for line in lines(file) if "would change" in line] == [
        "  h1: would change: Write it",
        "  h2: would change: Write it",
    ]


def test_forty_failures_for_one_reason_are_one_finding() -> None:
    reporter, file = terminal()
    out = {}
    for name in list(HOSTS)[10:50]:
        reporter.event(event(name, Status.FAILED, output=f"{name}: no space left"))
        why = f"{name}: no space left on {HOSTS[name][0]}."
        out[name] = Finding(Kind.OPERATION, "Write it: failed", (name,), why, f"ssh {name} df -h")
    reporter.phase_ends("hosts", 1.0)
    reporter.ends(HOSTS, out, [])
    assert file.getvalue().count("no space left") == 2
    shown = lines(file)
    named = "40 hosts (h11, h12, h13 and 37 more)"
    assert shown[:2] == [f"  {named}: failed: Write it (1.0 s)", "      h11: no space left"]
    start = shown.index(f"  error: {named}: Write it: failed")
    assert shown[start + 1 :] == [
        "      why:  h11: no space left on 10.0.0.11.",
        "      next: ssh h11 df -h",
        "160 hosts (h1, h2, h3 and 157 more): ok=0   changed=0   failed=0  seconds=0.0",
        f"{named}: ok=0   changed=0   failed=1  seconds=1.0",
        f"failed: {','.join(out)}",
        "200 hosts: 0 changed, 40 failed in 1.0 s",
        "seconds by phase: hosts 1.0",
    ]


def test_notes_and_warnings_of_many_are_told_once() -> None:
    reporter, file = terminal()
    for name in HOSTS:
        warned = Finding(Kind.PREFLIGHT, "little memory", (name,), severity="warning")
        reporter.finding(warned)
        reporter.note(f"{name} is slow", name)
    reporter.note("something else")
    reporter.phase_ends("hosts", 1.0)
    assert lines(file) == [
        "  something else",
        "  warning: 200 hosts (h1, h2, h3 and 197 more): little memory",
        "  all 200 hosts: h1 is slow",
        "  1.0 s, 0 changes",
    ]


def test_notes_that_follow_a_phase_come_before_the_next() -> None:
    reporter, file = terminal()
    reporter.phase_ends("hosts", 1.0)
    reporter.note("lost", "h1")
    reporter.phase_begins("runtime", "Install it")
    assert lines(file)[-2:] == ["  h1: lost", "phase runtime: Install it"]


def test_errors_and_warnings_and_places_are_kept_apart() -> None:
    one = Finding(Kind.PREFLIGHT, "the same", ("h1",))
    warned = Finding(Kind.PREFLIGHT, "the same", ("h2",), severity="warning")
    shared = Finding(Kind.PREFLIGHT, "the same", ("h3", "h4"))
    found = together([one, warned, shared, Finding(Kind.PREFLIGHT, "the same", ("h5",))], HOSTS)
    assert [finding.hosts for finding in found] == [("h1", "h5"), ("h2",), ("h3", "h4")]


def test_only_the_first_hosts_own_output_is_shown() -> None:
    reporter, file = terminal()
    for name in HOSTS:
        reporter.line(name, "Reading package lists")
    assert lines(file) == ["  h1 | Reading package lists"]
    reporter, file = terminal(verbose=True)
    reporter.line("h7", "Reading package lists")
    assert lines(file) == ["  h7 | Reading package lists"]


def test_the_live_region_fits_a_small_terminal() -> None:
    busy = {name: f"Write {number % 20}" for number, name in enumerate(HOSTS)}
    file = io.StringIO()
    out = Console(file=file, force_terminal=True, width=80, height=24)
    progress = Progress(out)
    progress.busy = lambda: busy
    progress.start("Prepare the hosts")
    progress.stop()
    with out.capture() as captured:
        out.print(progress)
    shown = captured.get().splitlines()
    assert len(shown) <= 16
    assert "10 hosts" in shown[1]
    assert "and 8 other operations" in shown[-1]


def test_hosts_at_work_are_counted_where_they_are_many() -> None:
    assert at_work({"h1": "a", "h2": "b"}) == [("h1", "a"), ("h2", "b")]
    busy = {"h0": "b", **dict.fromkeys(list(HOSTS)[:40], "a")}
    assert at_work(busy) == [("40 hosts", "a"), ("1 host", "b")]


def test_few_names_are_all_listed() -> None:
    assert listed(["h1", "h2"]) == "h1, h2"
    assert listed(list(HOSTS)[:8]).count("h") == 8
    assert listed(list(HOSTS)[:9]) == "9 hosts (h1, h2, h3 and 6 more)"
