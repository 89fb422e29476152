"""The pictures of the benchmarks; matplotlib is installed by `scripts/test` for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib")

from bench.draw import main
from bench.results import ANSIBLE, BY_HAND, FIRST, OURS, PYINFRA, SECOND, Bar, Row, collect, save
from tests.running import REPO

pytestmark = pytest.mark.render

ENGINE = [
    Row(tool=tool, run=run, hosts=hosts, seconds=seconds)
    for tool, hosts, first, second in (
        (OURS, 5, 2.5, 1.5),
        (OURS, 50, 16.0, 6.0),
        (ANSIBLE, 50, 320.0, 288.0),
        (PYINFRA, 5, 6.0, 4.5),
    )
    for run, seconds in ((FIRST, first), (SECOND, second))
]
GROWTH = [
    Row(tool=OURS, run=FIRST, hosts=n, seconds=1 + n / 10, cpu=1 + n / 20, megabytes=90 + n)
    for n in (1, 20, 200)
]


def _bar(host: str, phase: str, begin: float, seconds: float, tool: str = OURS) -> Bar:
    failed = host == "w10"
    return Bar(
        tool=tool, run=FIRST, host=host, phase=phase, begin=begin, seconds=seconds, failed=failed
    )


SOME = [Row(tool="click", run="import", hosts=0, seconds=0.1)]
UP = [
    Row(tool=BY_HAND, run=FIRST, hosts=3, seconds=140.0),
    Row(tool=OURS, run=FIRST, hosts=3, seconds=70.0),
]
BARS = [
    _bar("cp1", "packages", 0, 60, BY_HAND),
    _bar("cp1", "packages", 1, 30),
    _bar("w2", "images", 5, 30),
    _bar("w2", "of-tomorrow", 7, 8),
    _bar("w10", "hosts", 5, 3),
]


def _drawn(folder: Path, benchmark: str, rows: list[Row], bars: list[Bar]) -> Path:
    source = folder / f"{benchmark}.json"
    save(source, collect(benchmark, rows, OURS, note="idle", bars=bars))
    assert main([str(source)]) == 0
    return source.with_suffix(".svg")


def _texts(picture: Path) -> list[str]:
    """The texts in a picture: matplotlib draws their letters and has them in comments."""
    found = picture.read_text(encoding="utf-8")
    ElementTree.fromstring(found)
    return re.findall(r"<!-- (.*?) -->", found)


@pytest.mark.parametrize(
    ("benchmark", "rows", "bars", "shown"),
    [
        ("engine", ENGINE, [], {"20×", "48×", "2.4×", "3.0×", "50 hosts", "Ansible", "pyinfra"}),
        ("growth", GROWTH, [], {"Time, ms", "Processor time, ms", "Memory, MiB", "first"}),
        (
            "up",
            UP,
            BARS,
            {
                "By hand: 140 s",
                "kubeinstall up: 70 s",
                "cp1",
                "w10",
                "packages",
                "of-tomorrow",
                "waiting, reading facts",
                "failed",
            },
        ),
        (
            "up",
            UP,
            [],
            {"From new hosts until their nodes are Ready", "by hand, first, 3 hosts", "140 s"},
        ),
        ("some", SOME, [], {"How long the runs of bench.some take", "click, import", "100 ms"}),
    ],
    ids=["engine", "growth", "up", "up without a timeline", "another benchmark"],
)
def test_pictures_are_small_svg_that_show_the_results_and_stay_the_same(
    tmp_path: Path, benchmark: str, rows: list[Row], bars: list[Bar], shown: set[str]
) -> None:
    picture = _drawn(tmp_path, benchmark, rows, bars)
    first = picture.read_bytes()

    assert shown <= set(_texts(picture))
    assert any("kubeinstall 0." in text and "idle" in text for text in _texts(picture))
    assert len(first) < 100_000
    _drawn(tmp_path, benchmark, rows, bars)
    assert picture.read_bytes() == first


def test_hosts_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    texts = _texts(_drawn(tmp_path, "up", UP, BARS))
    hosts = [text for text in texts if re.fullmatch(r"(cp|w)\d+", text)]
    assert hosts == ["cp1", "cp1", "w2", "w10"]


def test_growth_is_that_of_each_host_beyond_the_first() -> None:
    from bench.figures import each_host

    rows = {row.hosts: row for row in GROWTH}
    assert each_host(rows, "seconds") == pytest.approx({20: 0.1, 200: 0.1})
    assert each_host(rows, "cpu") == pytest.approx({20: 0.05, 200: 0.05})
    del rows[1]
    assert each_host(rows, "megabytes") == pytest.approx({20: 5.5, 200: 1.45})


def test_the_timeline_of_a_run_is_drawn_from_its_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"
    line = {"host": "w1", "phase": "hosts", "status": "ok", "seconds": 2.0}
    events.write_text(json.dumps({**line, "time": "2026-11-27T10:00:00Z"}) + "\n")

    assert main(["--events", str(events), "-o", str(tmp_path / "new")]) == 0

    picture = tmp_path / "new/events.svg"
    assert capsys.readouterr().out == f"{picture}\n"
    assert {"w1", "hosts", "seconds since the first operation"} <= set(_texts(picture))


def test_png(tmp_path: Path) -> None:
    source = tmp_path / "engine.json"
    save(source, collect("engine", ENGINE))
    assert main([str(source), "--png"]) == 0
    assert source.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_or_written_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "engine.json"
    save(source, collect("engine", ENGINE))
    (tmp_path / "file").touch()
    (tmp_path / "empty.jsonl").touch()

    assert main([str(tmp_path / "none.json")]) == 1
    assert "none.json: cannot be read" in capsys.readouterr().err
    assert main(["--events", str(tmp_path / "empty.jsonl")]) == 1
    assert "has no events" in capsys.readouterr().err
    assert main([str(source), "-o", str(tmp_path / "file")]) == 1
    assert f"{tmp_path}/file cannot be written" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([])
    assert "name a file of results" in capsys.readouterr().err


PICTURES = sorted((REPO / "bench/measured").glob("*.json"))


@pytest.mark.parametrize("source", PICTURES, ids=lambda path: path.stem)
def test_the_pictures_of_the_documentation_show_its_results(tmp_path: Path, source: Path) -> None:
    assert main([str(source), "-o", str(tmp_path)]) == 0
    drawn = tmp_path / f"{source.stem}.svg"
    assert _texts(drawn) == _texts(source.with_suffix(".svg"))
