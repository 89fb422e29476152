"""Results of the benchmarks as JSON: what they write with ``--json FILE`` and ``bench.draw`` reads.

A file holds the machine, the date, the versions of the measured tools and one row per measured
run. Rows with the same tool, run and number of hosts are repeated measurements. Bars say what was
done on which host when.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

OURS = "kubeinstall"
PYINFRA = "pyinfra"
ANSIBLE = "ansible"
BY_HAND = "by hand"

FIRST = "first"
SECOND = "second"

_Name = Annotated[str, Field(min_length=1)]
_Counted = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Above = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ResultsError(ValueError):
    """A file of results cannot be read or written; the message is for people."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Row(_Strict):
    """One measured run of one program.

    Args:
        tool: the program, such as ``kubeinstall``, ``ansible`` or ``by hand``.
        run: what it did, such as ``first``, ``second`` (the same again) or ``plan``.
        hosts: how many hosts it managed; 0 for a run without hosts.
        seconds: until it ended.
        cpu: seconds of processor, its own and its children's; None if not measured.
        megabytes: peak memory of its largest process, in MiB; None if not measured.
    """

    tool: _Name
    run: _Name
    hosts: Annotated[int, Field(ge=0)]
    seconds: _Above
    cpu: _Counted | None = None
    megabytes: _Counted | None = None


class Bar(_Strict):
    """Time that a run spent on one host without a pause, in one phase.

    Args:
        tool, run: as of the run's ``Row``.
        begin: seconds since the run began.
        seconds: how long it took.
        failed: the host left the run at the end of it.
    """

    tool: _Name
    run: _Name
    host: _Name
    phase: _Name
    begin: _Counted
    seconds: _Counted
    failed: bool = False

    @property
    def end(self) -> float:
        return self.begin + self.seconds


class Machine(_Strict):
    """Where it was measured.

    Args:
        cores: processors that the benchmark may use.
        memory: in GiB.
        system: the operating system, such as ``Debian GNU/Linux 12 (bookworm)``.
        python: version of the interpreter.
    """

    cores: Annotated[int, Field(ge=1)]
    memory: _Above
    system: _Name
    python: _Name


class Results(_Strict):
    """What one benchmark measured.

    Args:
        format: the version of this format.
        benchmark: its name: ``engine`` for ``python -m bench.engine``.
        versions: of the measured tools, by name.
        note: what else is to be known, such as other load on the machine.
    """

    format: Literal[1]
    benchmark: _Name
    date: Annotated[datetime.date, Field(strict=False)]
    machine: Machine
    versions: dict[str, str] = {}
    note: str = ""
    rows: Annotated[tuple[Row, ...], Field(strict=False, min_length=1)]
    bars: Annotated[tuple[Bar, ...], Field(strict=False)] = ()

    def of(self, tool: str, run: str) -> dict[int, Row]:
        """The rows of a tool's run by number of hosts, ascending.

        Of repeated measurements, each figure is the median.
        """
        found = [row for row in self.rows if (row.tool, row.run) == (tool, run)]
        return {
            count: _middle([row for row in found if row.hosts == count])
            for count in sorted({row.hosts for row in found})
        }


def _middle(rows: list[Row]) -> Row:
    cpu = [row.cpu for row in rows if row.cpu is not None]
    megabytes = [row.megabytes for row in rows if row.megabytes is not None]
    return rows[0].model_copy(
        update={
            "seconds": median(row.seconds for row in rows),
            "cpu": median(cpu) if cpu else None,
            "megabytes": median(megabytes) if megabytes else None,
        }
    )


def collect(
    benchmark: str, rows: list[Row], *tools: str, note: str = "", bars: Sequence[Bar] = ()
) -> Results:
    """Results measured now, on this machine.

    Args:
        tools: names of Python distributions whose versions are recorded, if they are installed.
    """
    return Results(
        format=1,
        benchmark=benchmark,
        date=datetime.date.today(),
        machine=Machine(
            cores=len(os.sched_getaffinity(0)),
            memory=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            system=platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
            python=platform.python_version(),
        ),
        versions={tool: found for tool in tools if (found := _version(tool))},
        note=note,
        rows=tuple(rows),
        bars=tuple(bars),
    )


def _version(tool: str) -> str:
    if tool == OURS:  # usually run from a checkout
        from kubeinstall import __version__

        return __version__
    try:
        return version(tool)
    except PackageNotFoundError:
        return ""


def save(path: Path, results: Results) -> None:
    """Write results to a file.

    Raises:
        ResultsError: the file cannot be written.
    """
    text = results.model_dump_json(indent=1, exclude_defaults=True)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror}") from error


def load(path: Path) -> Results:
    """Read results from a file.

    Raises:
        ResultsError: the file cannot be read, or is not a file of results; lists every error.
    """
    try:
        return Results.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        lines = [f"{path} is not a file of results, as bench writes them with --json:"]
        for entry in error.errors(include_url=False):
            place = ".".join(map(str, entry["loc"])) or "the file"
            lines.append(f"  {place}: {entry['msg']}")
        raise ResultsError("\n".join(lines)) from error


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--json FILE`` and ``--note TEXT`` to a benchmark."""
    parser.add_argument(
        "--json", type=_target, metavar="FILE", help="write the results to FILE, for bench.draw"
    )
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="a remark in FILE, such as other load"
    )


def _target(text: str) -> Path:
    # Checked before half an hour of measurements.
    path = Path(text)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{path} cannot be written")
    return path
