"""Draw the results of the benchmarks, and the timeline of a run.

python -m bench.draw [RESULTS.json ...] [--events FILE ...] [-o FOLDER] [--png]

RESULTS.json is what a benchmark writes with ``--json``, FILE what ``kubeinstall up --events FILE``
writes. Each picture has the name of its file and is written next to it, or into FOLDER.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import timeline
from bench.results import ResultsError, load


def main(words: list[str] | None = None) -> int:
    """Draw every file; returns 1 and prints the reason if one cannot be drawn."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.draw", description="Draw the results of the benchmarks."
    )
    parser.add_argument("results", nargs="*", type=Path, metavar="RESULTS.json")
    parser.add_argument(
        "--events",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="draw the timeline of a run, from `kubeinstall up --events FILE`",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where pictures go")
    parser.add_argument("--png", action="store_true", help="draw PNG instead of SVG")
    given = parser.parse_args(words)
    if not given.results and not given.events:
        parser.error("name a file of results, or --events FILE")
    try:
        from bench import figures
    except ImportError as error:
        why = f"{error.name} is not installed"
        print(f"{why}; run `pip install -r bench/requirements.lock`", file=sys.stderr)
        return 1
    try:
        for path in given.results:
            figures.draw(load(path), _picture(path, given.output, given.png))
        for path in given.events:
            bars = timeline.bars(timeline.read(path))
            target = _picture(path, given.output, given.png)
            figures.draw_timeline(path.name, bars, target)
    except ResultsError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _picture(path: Path, folder: Path | None, png: bool) -> Path:
    target = path.with_suffix(".png" if png else ".svg")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / target.name
    print(target)
    return target


if __name__ == "__main__":
    sys.exit(main())
