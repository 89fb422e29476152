"""Bars of a timeline, from the events of a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.results import Bar, ResultsError
from bench.timeline import bars, lanes, read
from kubeinstall.engine.events import EventLog
from kubeinstall.engine.types import Event, Status

pytestmark = pytest.mark.unit

BEGAN = 1_000_000.0


def _event(host: str, phase: str, begin: float, seconds: float, status: str = "ok") -> Event:
    ended = datetime.fromtimestamp(BEGAN + begin + seconds, UTC).isoformat(timespec="milliseconds")
    return Event(host, phase, "Title", Status(status), seconds=seconds, time=ended)


def _bars(path: Path, *events: Event, began: float | None = None) -> list[tuple[Any, ...]]:
    log = EventLog(path)
    for event in events:
        log(event)
    log.close()
    found = bars(read(path), began)
    return [(bar.host, bar.phase, bar.begin, bar.seconds, bar.failed) for bar in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_operations_without_a_pause_are_one_bar(path: Path) -> None:
    assert _bars(
        path,
        _event("w1", "hosts", 0, 2),
        _event("cp1", "hosts", 0.5, 1),
        _event("w1", "hosts", 2.1, 0),
        _event("w1", "hosts", 2.2, 1),
        _event("w1", "hosts", 9, 1),
        _event("w1", "packages", 10, 4),
    ) == [
        ("cp1", "hosts", 0.5, 1, False),
        ("w1", "hosts", 0, 3.2, False),
        ("w1", "hosts", 9, 1, False),
        ("w1", "packages", 10, 4, False),
    ]


def test_the_time_before_the_first_operation_counts_if_the_runs_beginning_is_known(
    path: Path,
) -> None:
    events = [_event("w1", "hosts", 5, 2)]
    assert _bars(path, *events) == [("w1", "hosts", 0, 2, False)]
    assert _bars(path, *events, began=BEGAN) == [("w1", "hosts", 5, 2, False)]


def test_overlapping_phases_of_a_host_are_bars_of_their_own(path: Path) -> None:
    assert _bars(
        path,
        _event("w1", "packages", 0, 1),
        _event("w1", "images", 0.5, 5),
        _event("w1", "packages", 1.1, 3),
    ) == [("w1", "packages", 0, 4.1, False), ("w1", "images", 0.5, 5, False)]


def test_a_short_operation_inside_a_long_one_does_not_shorten_its_bar(path: Path) -> None:
    assert _bars(
        path,
        _event("w1", "hosts", 0, 9),
        _event("w1", "hosts", 1, 1),
        _event("w1", "hosts", 9.1, 1),
    ) == [("w1", "hosts", 0, 10.1, False)]


def test_the_bar_at_whose_end_a_host_left_the_run_is_marked(path: Path) -> None:
    assert _bars(
        path,
        _event("w1", "hosts", 0, 2),
        _event("w1", "packages", 3, 1, "failed"),
        _event("w2", "", 1, 0, "failed"),
    ) == [
        ("w1", "hosts", 0, 2, False),
        ("w1", "packages", 3, 1, True),
        ("w2", "facts", 1, 0, True),
    ]


def test_half_of_a_line_that_a_killed_run_left_is_skipped(path: Path) -> None:
    _bars(path, _event("w1", "hosts", 0, 2))
    with path.open("a") as file:
        file.write('{"version": 1, "host": "w')
    assert [bar.host for bar in bars(read(path))] == ["w1"]


def test_a_file_without_events_is_reported(path: Path) -> None:
    path.touch()
    with pytest.raises(ResultsError, match="has no events"):
        read(path)


def test_a_file_that_cannot_be_read_is_reported(path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read: No such file"):
        read(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(ResultsError, match="cannot be read: it is not UTF-8"):
        read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"host": ""}, "host: String should have at least 1 character"),
        ({"seconds": -1}, "seconds: Input should be greater than or equal to 0"),
        ({"time": "noon"}, "time: Input should be a valid datetime"),
        ({"time": "2026-11-27T10:00:00"}, "time: Input should have timezone info"),
        ({"status": "fine"}, "status: Input should be 'ok', 'changed', 'failed' or 'planned'"),
    ],
)
def test_a_line_that_is_no_event_is_reported_with_its_number(
    path: Path, change: dict[str, Any], message: str
) -> None:
    _bars(path, _event("w1", "hosts", 0, 2))
    line = path.read_text()
    path.write_text(line + json.dumps({**json.loads(line), **change}) + "\n")
    with pytest.raises(ResultsError, match=r"events\.jsonl:2: ") as caught:
        read(path)
    assert message in str(caught.value)


def test_bars_that_overlap_are_in_lanes_of_their_own() -> None:
    spans = [(0, 4), (1, 2), (2, 1), (3.5, 2), (3.99, 1), (6, 1)]
    made = [
        Bar(tool="t", run="first", host="w1", phase="p", begin=begin, seconds=seconds)
        for begin, seconds in spans
    ]
    assert lanes(made) == [0, 1, 2, 1, 0, 0]
