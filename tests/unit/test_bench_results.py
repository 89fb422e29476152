"""The files of results that the benchmarks write and bench.draw reads."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import draw
from bench.cost import Cost
from bench.results import (
    ANSIBLE,
    FIRST,
    OURS,
    SECOND,
    Bar,
    ResultsError,
    Row,
    add_options,
    collect,
    load,
    save,
)

pytestmark = pytest.mark.unit


def _row(**changes: Any) -> Row:
    return Row(**{"tool": OURS, "run": FIRST, "hosts": 20, "seconds": 7.0, **changes})


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    rows = [_row(cpu=3.2, megabytes=120), _row(tool=ANSIBLE, seconds=142), _row(run=SECOND)]
    bars = [Bar(tool=OURS, run=FIRST, host="w1", phase="hosts", begin=1.5, seconds=2, failed=True)]
    results = collect("up", rows, OURS, "pydantic", "no-such-tool", note="idle", bars=bars)

    save(tmp_path / "up.json", results)

    assert load(tmp_path / "up.json") == results
    assert set(results.versions) == {OURS, "pydantic"}
    assert results.machine.cores >= 1


def test_a_tools_rows_are_sorted_by_hosts_and_repeats_become_medians() -> None:
    rows = [
        *(_row(hosts=count, seconds=16) for count in (200, 50, 100, 1)),
        _row(seconds=9, cpu=4, megabytes=100),
        _row(seconds=5, cpu=2),
        _row(seconds=6),
        _row(tool=ANSIBLE, seconds=142),
        _row(run=SECOND, seconds=3),
    ]

    found = collect("engine", rows).of(OURS, FIRST)

    assert list(found) == [1, 20, 50, 100, 200]
    assert (found[20].seconds, found[20].cpu, found[20].megabytes) == (6, 3, 100)
    assert found[50].cpu is None


def test_what_a_program_took_is_a_row() -> None:
    took = Cost(seconds=2.34567, cpu=0.0001, megabytes=90.7, changed=3)
    assert took.row(ANSIBLE, SECOND, 5) == Row(
        tool=ANSIBLE, run=SECOND, hosts=5, seconds=2.346, cpu=0.0, megabytes=91
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": []}, "rows: Tuple should have at least 1 item"),
        ({"format": 2}, "format: Input should be 1"),
        ({"date": "yesterday"}, "date: Input should be a valid date"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"rows": [{"tool": "x", "run": "first", "hosts": 1}]}, "rows.0.seconds: Field required"),
        (
            {"rows": [{"tool": "x", "run": "first", "hosts": "many", "seconds": 1}]},
            "rows.0.hosts: Input should be a valid integer",
        ),
        (
            {"rows": [{"tool": "x", "run": "first", "hosts": 1, "seconds": -1}]},
            "rows.0.seconds: Input should be greater than 0",
        ),
    ],
)
def test_a_malformed_file_is_reported_with_the_place(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "engine.json"
    save(path, collect("engine", [_row()]))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    with pytest.raises(ResultsError) as caught:
        load(path)

    assert str(path) in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", '{"format": NaN}'])
def test_a_file_that_is_no_such_json_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "engine.json"
    path.write_text(text)

    with pytest.raises(ResultsError, match="is not a file of results"):
        load(path)


def test_a_file_that_is_missing_or_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read: No such file"):
        load(tmp_path / "engine.json")
    with pytest.raises(ResultsError, match="cannot be written: Is a directory"):
        save(tmp_path, collect("engine", [_row()]))


def test_drawing_without_matplotlib_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(bench, "figures", raising=False)
    monkeypatch.delitem(sys.modules, "bench.figures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    assert draw.main(["engine.json"]) == 1
    assert "pip install -r bench/requirements.lock" in capsys.readouterr().err


def test_the_option_refuses_what_cannot_be_written_before_measuring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)

    given = parser.parse_args(["--json", str(tmp_path / "new.json"), "--note", "idle"])
    assert (given.json, given.note) == (tmp_path / "new.json", "idle")
    assert not given.json.exists()
    for path in (tmp_path / "no-folder/new.json", tmp_path):
        with pytest.raises(SystemExit):
            parser.parse_args(["--json", str(path)])
        assert f"{path} cannot be written" in capsys.readouterr().err
