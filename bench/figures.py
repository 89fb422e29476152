"""Pictures of results, with matplotlib."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bench.results import ANSIBLE, BY_HAND, FIRST, OURS, PYINFRA, SECOND, Bar, Results, Row
from bench.timeline import lanes

_INK = "#24292f"
_PALE = "#57606a"
_LINES = "#d0d7de"
_WAITING = "#eaeef2"
_STYLE = {
    # The same bytes each time, and the same look everywhere: letters are drawn, not set.
    "svg.hashsalt": "kubeinstall",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "figure.dpi": 120,
    "figure.facecolor": "white",  # a card that is read on a dark page as well
    "text.color": _INK,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelcolor": _INK,
    "axes.edgecolor": _LINES,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": _LINES,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
}

# Paul Tol's "muted", made for people who cannot tell all colours apart.
_COLOURS = {
    "hosts": "#88ccee",
    "runtime": "#332288",
    "packages": "#ddcc77",
    "images": "#117733",
    "control-plane": "#cc6677",
    "workers": "#882255",
    "network": "#44aa99",
    "kubelets": "#999933",
    "addons": "#aa4499",
}
_LINE_COLOURS = ("#cc6677", "#117733", "#332288", "#ddcc77", "#88ccee")
_OTHER_PHASES = ("#6699cc", "#994455", "#997700", "#004488", "#ee99aa")
_FAILED = {"marker": "X", "markersize": 9, "color": "#d00000", "markeredgecolor": "white"}
_TOOLS = {OURS: "#117733", ANSIBLE: "#cc6677", PYINFRA: "#88ccee", BY_HAND: "#ddcc77"}
_OTHER_TOOL = "#999999"
_TITLES = {OURS: "kubeinstall", ANSIBLE: "Ansible", PYINFRA: "pyinfra", BY_HAND: "by hand"}
_RUNS = {FIRST: "First run", SECOND: "Second run: nothing to change"}
_SECONDS_OF = {
    "joins": "How long workers take to join a cluster",
    "start": "How long commands take that connect to no host",
    "up": "From new hosts until their nodes are Ready",
}
_WIDTH = 9.0

_Box = tuple[float, float, float, float]
"""Left, right, top and bottom."""


def draw(results: Results, path: Path) -> None:
    """Draw the picture of a benchmark into a file, SVG or PNG by its suffix."""
    with rc_context(_STYLE):
        if results.bars:
            figure = _compared(results)
        elif results.benchmark == "engine" and _compares(results):
            figure = _ratios(results)
        elif results.benchmark == "growth":
            figure = _growth(results)
        else:
            figure = _seconds(results)
        _footer(figure, results)
        _save(figure, path)


def draw_timeline(title: str, bars: Sequence[Bar], path: Path) -> None:
    """Draw the timeline of one run into a file, SVG or PNG by its suffix."""
    end = max(bar.end for bar in bars)
    with rc_context(_STYLE):
        figure = _timelines([("", bars, end)], "seconds since the first operation")
        _title(figure, title)
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(path, metadata=metadata, bbox_inches="tight", pad_inches=0.15)


def _footer(figure: Figure, results: Results) -> None:
    machine = results.machine
    versions = [f"{tool} {version}" for tool, version in results.versions.items()]
    known = [
        f"{results.date}",
        f"{machine.cores} cores, {machine.memory:.0f} GiB, {machine.system}",
        *versions,
        *([results.note] if results.note else []),
    ]
    figure.supxlabel(" · ".join(known), x=0.01, ha="left", fontsize=8, color=_PALE)


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(text, x=0.01, ha="left")


def _compares(results: Results) -> bool:
    return {OURS} < {row.tool for row in results.rows}


def _ratios(results: Results) -> Figure:
    """How many times as long as ours the other tools take, by number of hosts."""
    figure = Figure(figsize=(_WIDTH, 3.9), layout="constrained")
    _title(figure, "How many times as long as kubeinstall others take for the same 25 operations")
    panels = figure.subplots(1, 2, sharey=True)
    others = [tool for tool in (ANSIBLE, PYINFRA) if any(row.tool == tool for row in results.rows)]
    for panel, run in zip(panels, (FIRST, SECOND), strict=True):
        _ratio_bars(panel, results, others, run)
    panels[0].set_ylabel("times as long")
    panels[0].set_ylim(top=1.1 * panels[0].get_ylim()[1])
    panels[0].legend(loc="upper left")
    return figure


def _ratio_bars(panel: Axes, results: Results, others: Sequence[str], run: str) -> None:
    ours = results.of(OURS, run)
    width = min(0.4, 0.8 / len(others))
    for number, tool in enumerate(others):
        found = results.of(tool, run)
        counts = [count for count in ours if count in found]
        places = [list(ours).index(n) + (number - (len(others) - 1) / 2) * width for n in counts]
        ratios = [found[count].seconds / ours[count].seconds for count in counts]
        bars = panel.bar(places, ratios, width * 0.92, color=_TOOLS[tool], label=_TITLES[tool])
        panel.bar_label(bars, [f"{ratio:.{ratio < 10:d}f}×" for ratio in ratios], padding=2)
    panel.axhline(1, color=_TOOLS[OURS], linewidth=2, label=_TITLES[OURS])
    panel.set_title(_RUNS[run])
    panel.set_xticks(
        range(len(ours)),
        [f"{_hosts(count)}\n{_time(row)}" for count, row in ours.items()],
    )
    panel.set_xlim(-0.6, len(ours) - 0.4)
    panel.set_xlabel("number of hosts, and kubeinstall's time")
    panel.tick_params(length=0)
    panel.grid(axis="y")


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _time(row: Row) -> str:
    if row.seconds < 1:
        return f"{1000 * row.seconds:.0f} ms"
    return f"{row.seconds:.1f} s" if row.seconds < 20 else f"{row.seconds:.0f} s"


def _growth(results: Results) -> Figure:
    """What a host costs, by number of hosts."""
    figure = Figure(figsize=(_WIDTH, 3.5), layout="constrained")
    _title(figure, "What one more host costs kubeinstall, by number of hosts")
    panels = figure.subplots(1, 3)
    runs = list(dict.fromkeys(row.run for row in results.rows))
    kinds: Mapping[str, str] = {
        "seconds": "Time, ms",
        "cpu": "Processor time, ms",
        "megabytes": "Memory, MiB",
    }
    for panel, (what, title) in zip(panels, kinds.items(), strict=True):
        scale = 1 if what == "megabytes" else 1000
        for run, colour, marker in zip(runs, _LINE_COLOURS, "osD^v", strict=False):
            each = each_host(results.of(OURS, run), what)
            values = [scale * value for value in each.values()]
            panel.plot(list(each), values, color=colour, marker=marker, label=run)
        panel.set_title(title)
        panel.set_ylim(0, 1.15 * panel.get_ylim()[1])
        panel.set_xlim(left=0)
        panel.set_xlabel("hosts")
        panel.grid(axis="y")
    panels[0].legend(loc="lower right")
    return figure


def each_host(rows: Mapping[int, Row], what: str) -> dict[int, float]:
    """Cost per host; of each beyond the first where one host was measured as well.

    What one host takes is mostly the start of the interpreter, which would hide growth.
    """
    known: dict[int, float] = {n: v for n, row in rows.items() if (v := getattr(row, what))}
    one = known.pop(1, None)
    if one is None:
        return {count: value / count for count, value in known.items()}
    return {count: (value - one) / (count - 1) for count, value in known.items()}


def _seconds(results: Results) -> Figure:
    """Seconds of every run of every tool."""
    keys = dict.fromkeys((row.tool, row.run, row.hosts) for row in results.rows)
    rows = [results.of(tool, run)[hosts] for tool, run, hosts in keys]
    figure = Figure(figsize=(_WIDTH, 1.1 + 0.38 * len(rows)), layout="constrained")
    panel = figure.subplots()
    colours = [_TOOLS.get(row.tool, _OTHER_TOOL) for row in rows]
    bars = panel.barh(range(len(rows)), [row.seconds for row in rows], color=colours)
    panel.bar_label(bars, [_time(row) for row in rows], padding=3)
    names = [f"{_TITLES.get(row.tool, row.tool)}, {row.run}" for row in rows]
    counts = [f", {_hosts(row.hosts)}" if row.hosts else "" for row in rows]
    panel.set_yticks(range(len(rows)), [a + b for a, b in zip(names, counts, strict=True)])
    panel.invert_yaxis()
    name = results.benchmark
    _title(figure, _SECONDS_OF.get(name, f"How long the runs of bench.{name} take"))
    panel.set_xlabel("seconds")
    panel.grid(axis="x")
    return figure


def _compared(results: Results) -> Figure:
    """Timelines of the runs that were recorded, one below the other."""
    drawn = []
    for tool, run in dict.fromkeys((bar.tool, bar.run) for bar in results.bars):
        bars = [bar for bar in results.bars if (bar.tool, bar.run) == (tool, run)]
        rows = results.of(tool, run).values()
        end = max([*(row.seconds for row in rows), *(bar.end for bar in bars)])
        title = "kubeinstall up" if tool == OURS else _TITLES.get(tool, tool).capitalize()
        drawn.append((f"{title}: {end:.0f} s", bars, end))
    figure = _timelines(drawn, "seconds")
    hosts = {bar.host for bar in results.bars}
    _title(figure, f"A cluster of {len(hosts)} hosts, from new hosts until its nodes are Ready")
    return figure


def _timelines(drawn: Sequence[tuple[str, Sequence[Bar], float]], label: str) -> Figure:
    """Timelines with titles, bars and ends, over one axis of time."""
    depths = [_depths(bars) for _, bars, _ in drawn]
    phases = dict.fromkeys(
        bar.phase
        for _, bars, _ in drawn
        for bar in sorted(bars, key=lambda bar: (bar.begin, bar.phase))
    )
    colours = _phase_colours(list(phases))
    heights = [sum(found.values()) for found in depths]
    lane = 0.34 if max(heights) < 60 else 0.12
    inches = [lane * height for height in heights]
    figure = Figure(figsize=(_WIDTH, 1.7 + 0.3 * len(drawn) + sum(inches)), layout="constrained")
    *panels, legend = figure.subplots(len(drawn) + 1, 1, height_ratios=[*inches, 0.5])
    for panel, (title, bars, end), deep in zip(panels, drawn, depths, strict=True):
        _gantt(panel, bars, end, deep, colours)
        panel.set_xlim(0, max(end for _, _, end in drawn) * 1.005)
        panel.set_title(title)
    panels[-1].set_xlabel(label)
    _legend(legend, colours, any(bar.failed for _, bars, _ in drawn for bar in bars))
    return figure


def _legend(panel: Axes, colours: Mapping[str, str], failed: bool) -> None:
    entries = [Patch(color=colour, label=phase) for phase, colour in colours.items()]
    entries.append(Patch(color=_WAITING, label="waiting, reading facts"))
    if failed:
        entries.append(Line2D([], [], linestyle="", label="failed", **_FAILED))
    columns = min(5, len(entries))
    # Rows first, as they are read; matplotlib fills columns first.
    ordered = [entry for start in range(columns) for entry in entries[start::columns]]
    panel.set_axis_off()
    panel.legend(handles=ordered, loc="upper left", ncols=columns, borderaxespad=0, fontsize=10)


def _phase_colours(phases: Sequence[str]) -> dict[str, str]:
    """Colours of phases, in the order of the run."""
    known = {phase: colour for phase, colour in _COLOURS.items() if phase in phases}
    others = [phase for phase in phases if phase not in known]
    return known | dict(zip(others, cycle(_OTHER_PHASES), strict=False))


def _depths(bars: Sequence[Bar]) -> dict[str, int]:
    """How many lanes each host needs, in the order in which hosts are drawn."""
    hosts = sorted({bar.host for bar in bars}, key=_natural)
    return {host: 1 + max(lanes([b for b in bars if b.host == host])) for host in hosts}


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", name)]


def _gantt(
    panel: Axes,
    bars: Sequence[Bar],
    end: float,
    depths: Mapping[str, int],
    colours: Mapping[str, str],
) -> None:
    # One collection per colour: a shape of its own for each bar makes the file larger.
    boxes: dict[str, list[_Box]] = {colour: [] for colour in (_WAITING, *colours.values())}
    top, middles = 0, []
    for host, depth in depths.items():
        boxes[_WAITING].append((0, end, top + 0.1, top + depth - 0.1))
        of_host = [bar for bar in bars if bar.host == host]
        for bar, lane in zip(of_host, lanes(of_host), strict=True):
            above = top + lane
            boxes[colours[bar.phase]].append((bar.begin, bar.end, above + 0.1, above + 0.9))
            if bar.failed:
                panel.plot(bar.end, above + 0.5, clip_on=False, zorder=3, **_FAILED)
        middles.append(top + depth / 2)
        top += depth
    for colour, found in boxes.items():
        corners = [[(x, y), (to, y), (to, low), (x, low)] for x, to, y, low in found]
        panel.add_collection(PolyCollection(corners, facecolor=colour, edgecolor=colour))
    thin = max(1, len(middles) // 50)
    panel.set_yticks(middles[::thin], list(depths)[::thin])
    panel.set_ylim(top, 0)
    panel.xaxis.set_major_locator(MaxNLocator(10))
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.grid(axis="x")
