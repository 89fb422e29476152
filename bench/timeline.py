"""What a run did on which host when: bars, from the events of ``kubeinstall up --events FILE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from bench.results import FIRST, OURS, Bar, ResultsError
from kubeinstall.engine.types import Status

PAUSE = 0.25
"""Seconds between two operations of a phase up to which they are one bar."""
_TOUCHING = 0.05
"""Seconds up to which an overlap may come of rounding."""


class Recorded(BaseModel):
    """An event, as far as a timeline needs it.

    Args:
        phase: empty for a host that was lost before its first phase.
        seconds: how long the operation took.
        time: when it ended.
    """

    host: str = Field(min_length=1)
    phase: str
    status: Status
    seconds: float = Field(ge=0, allow_inf_nan=False)
    time: AwareDatetime

    @property
    def end(self) -> float:
        """Seconds since 1970."""
        return self.time.timestamp()

    @property
    def begin(self) -> float:
        """Seconds since 1970."""
        return self.end - self.seconds


def read(path: Path) -> list[Recorded]:
    """The events in a file.

    Raises:
        ResultsError: the file cannot be read, has no events, or a line is not an event.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ResultsError(f"{path}: cannot be read: {why}") from error
    # A run that was killed may have left half of a line at the end.
    lines = text.splitlines()[: text.count("\n")]
    events = [_event(path, number, line) for number, line in enumerate(lines, 1)]
    if not events:
        raise ResultsError(f"{path} has no events: nothing was run on a host")
    return events


def _event(path: Path, number: int, line: str) -> Recorded:
    try:
        return Recorded.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"{part}: " for part in first["loc"])
        raise ResultsError(
            f"{path}:{number}: not an event of `kubeinstall up --events`: {place}{first['msg']}"
        ) from error


def bars(
    events: Sequence[Recorded], began: float | None = None, tool: str = OURS, run: str = FIRST
) -> list[Bar]:
    """Bars by host, then by their beginning.

    Operations of a host and phase that follow each other without a pause are one bar.

    Args:
        began: when the run began, in seconds since 1970; by default, when its first operation did.
    """
    zero = min(event.begin for event in events) if began is None else began
    groups: dict[tuple[str, str], list[list[Recorded]]] = {}
    for event in sorted(events, key=lambda event: event.begin):
        pieces = groups.setdefault((event.host, event.phase), [])
        if pieces and event.begin - max(e.end for e in pieces[-1]) <= PAUSE:
            pieces[-1].append(event)
        else:
            pieces.append([event])
    found = [
        Bar(
            tool=tool,
            run=run,
            host=host,
            phase=phase or "facts",
            begin=round(max(0.0, piece[0].begin - zero), 2),
            seconds=round(max(event.end for event in piece) - piece[0].begin, 2),
            failed=any(event.status is Status.FAILED for event in piece),
        )
        for (host, phase), pieces in groups.items()
        for piece in pieces
    ]
    return sorted(found, key=lambda bar: (bar.host, bar.begin, bar.phase))


def lanes(bars: Sequence[Bar]) -> list[int]:
    """The lane of each bar of one host: bars that overlap are drawn below each other."""
    ends: list[float] = []
    found = []
    for bar in bars:
        lane = next((n for n, end in enumerate(ends) if end <= bar.begin + _TOUCHING), len(ends))
        ends[lane : lane + 1] = [bar.end]
        found.append(lane)
    return found
