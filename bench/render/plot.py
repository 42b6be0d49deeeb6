"""The front of accuracy and cost as a picture, by matplotlib; it computes nothing but where labels have room."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.boards.fronts import Front, Point
from bench.errors import UsageError, missing_extra
from bench.runs.circumstances import COSTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

SUFFIXES = (".png", ".svg", ".pdf")
FRONT, BEATEN = "#0072b2", "#767676"
"""Blue of Okabe and Ito's palette, and a grey that is still read: 4.5 to 1 on white."""
_PLACES = [(8, 6), (8, -14), (-8, 6), (-8, -14), (0, 12), (0, -20), (14, 16), (14, -26), (-14, 16), (-14, -26)]
"""Where a label may stand, in points from its point; the first that is free is taken."""


def write(front: Front, path: Path) -> None:
    """Draw the front into a file: .png, .svg or .pdf.

    Raises:
        UsageError: another ending, or a file that cannot be written.
        MissingExtra: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"-o {path}: a picture ends in .png, .svg or .pdf")
    figure = draw(front)
    from matplotlib import rc_context

    # Without a date, and with ids from a fixed seed, the same front makes the same file. Text stays text, which can be
    # found and read aloud.
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    try:
        with rc_context({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "bench"}):
            figure.savefig(path, metadata=metadata)
    except OSError as error:
        raise UsageError(f"-o {path}: it cannot be written ({error.strerror or error})") from None


def draw(front: Front) -> Figure:
    """The figure: points with their intervals, those on the front joined by a line, and their names beside them.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "matplotlib", "report", "bench plot") from None
    figure = Figure(figsize=(7, 4.8), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _points(axes, front)
    _frame(axes, front)
    figure.draw_without_rendering()
    _labels(axes, front.points, front.declared.scale)
    return figure


def _points(axes: Axes, front: Front) -> None:
    best = [point for point in front.points if point.on_front]
    axes.plot(
        [p.cost for p in best], [front.declared.scale * p.score for p in best], "--", linewidth=1, color=FRONT, zorder=1
    )
    for point in front.points:
        colour = FRONT if point.on_front else BEATEN
        if point.interval is not None:
            low, high = (front.declared.scale * end for end in point.interval)
            axes.vlines(point.cost, low, high, color=colour, linewidth=1.2)
        face = colour if point.on_front else "white"
        axes.plot(
            point.cost,
            front.declared.scale * point.score,
            "o",
            color=colour,
            markerfacecolor=face,
            markersize=6,
            zorder=3,
        )


def _frame(axes: Axes, front: Front) -> None:
    costs = [point.cost for point in front.points]
    if min(costs) > 0 and max(costs) > 10 * min(costs):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.15, y=0.12)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    cheap = "more is better" if front.more_is_better else "less is better"
    axes.set_xlabel(f"{COSTS[front.cost].title}, {cheap}")
    axes.set_ylabel(
        f"{front.metric} ({front.declared.unit}), {'lower' if front.lower_is_better else 'higher'} is better"
    )
    axes.set_title(front.title, loc="left", fontsize=11)
    bars = "bars: 95 % intervals; " if any(point.interval for point in front.points) else ""
    remarks = f"Filled: no other is as good and as cheap, and better in one; {bars}{'; '.join(front.notes)}".rstrip(
        "; "
    )
    axes.figure.supxlabel(textwrap.fill(remarks, 110), fontsize=7, color="#555555", x=0.02, ha="left")


def _labels(axes: Axes, points: Sequence[Point], scale: float) -> None:
    """Write each name where it covers least of what is there: other names, points and intervals, or the frame."""
    taken = list(_obstacles(axes, points, scale))
    for point in points:
        tried: list[tuple[float, int, Any, Bbox]] = []
        for x, y in _PLACES:
            text: Any = axes.annotate(
                point.name,
                (point.cost, scale * point.score),
                (x, y),
                textcoords="offset points",
                ha="center" if x == 0 else "left" if x > 0 else "right",
                fontsize=8,
                color=FRONT if point.on_front else BEATEN,
                arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#999999"} if abs(y) > 15 else None,
            )
            box = text.get_window_extent()
            tried.append(
                (sum(_shared(box, other) for other in taken) + _outside(box, axes.bbox), len(tried), text, box)
            )
        chosen = min(tried, key=lambda each: each[:2])
        for each in tried:
            if each is not chosen:
                each[2].remove()
        taken.append(chosen[3])


def _obstacles(axes: Axes, points: Sequence[Point], scale: float) -> Iterator[Bbox]:
    from matplotlib.transforms import Bbox

    for point in points:
        low, high = point.interval or (point.score, point.score)
        (x, below), (_, y), (_, above) = (
            axes.transData.transform((point.cost, scale * v)) for v in (low, point.score, high)
        )
        yield Bbox([[x - 9, y - 9], [x + 9, y + 9]])
        yield Bbox([[x - 2, below], [x + 2, above]])
    line = axes.transData.transform([(point.cost, scale * point.score) for point in points if point.on_front])
    for (left, start), (right, end) in pairwise(line.tolist()):
        for share in (n / 40 for n in range(41)):
            x, y = left + share * (right - left), start + share * (end - start)
            yield Bbox([[x - 2, y - 2], [x + 2, y + 2]])


def _shared(one: Bbox, other: Bbox) -> float:
    """Area in pixels that two boxes share."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(0.0, width) * max(0.0, height))


def _outside(box: Bbox, frame: Bbox) -> float:
    """Area in pixels of a box that a frame does not hold, made to weigh more than other names."""
    return 4 * (box.width * box.height - _shared(box, frame))
