"""The front of accuracy and cost as a plot by matplotlib; it computes only label positions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
"""Blue of the palette of Okabe and Ito, and a grey with a contrast of 4.5 to 1 on white."""
LABEL_OFFSETS = [
    (8, 6),
    (8, -14),
    (-8, 6),
    (-8, -14),
    (0, 12),
    (0, -20),
    (14, 16),
    (14, -26),
    (-14, 16),
    (-14, -26),
]
"""Possible positions of a label relative to its point, in points; among equals the first is
taken."""


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A label at one of its positions; `overlap` is the area in pixels that it would cover."""

    overlap: float
    text: Any
    box: Bbox


def write(front: Front, path: Path) -> None:
    """Draw the front into a .png, .svg or .pdf file.

    Raises:
        UsageError: another suffix, or the file cannot be written.
        MissingExtra: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"-o {path}: the file must end in .png, .svg or .pdf")
    figure = draw(front)
    from matplotlib import rc_context

    # No date and a fixed seed for ids: the same front always makes the same file. Text is stored as
    # text, so that it can be searched and read by screen readers.
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    try:
        with rc_context({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "bench"}):
            figure.savefig(path, metadata=metadata)
    except OSError as error:
        raise UsageError(f"-o {path}: cannot write the file ({error.strerror or error})") from None


def draw(front: Front) -> Figure:
    """The figure: points with intervals and labels, and a line through the points on the front.

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
    _draw_points(axes, front)
    _draw_frame(axes, front)
    figure.draw_without_rendering()  # label positions depend on the final layout
    _draw_labels(axes, front)
    return figure


def _draw_points(axes: Axes, front: Front) -> None:
    best = [point for point in front.points if point.on_front]
    scale = front.declared.scale
    costs, scores = [point.cost for point in best], [scale * point.score for point in best]
    axes.plot(costs, scores, "--", linewidth=1, color=FRONT, zorder=1)
    for point in front.points:
        colour = FRONT if point.on_front else BEATEN
        if point.interval is not None:
            low, high = (scale * end for end in point.interval)
            axes.vlines(point.cost, low, high, color=colour, linewidth=1.2)
        face = colour if point.on_front else "white"
        axes.plot(
            point.cost,
            scale * point.score,
            "o",
            color=colour,
            markerfacecolor=face,
            markersize=6,
            zorder=3,
        )


def _draw_frame(axes: Axes, front: Front) -> None:
    costs = [point.cost for point in front.points]
    if min(costs) > 0 and max(costs) > 10 * min(costs):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.15, y=0.12)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    cost_direction = "more is better" if front.more_is_better else "less is better"
    score_direction = "lower is better" if front.lower_is_better else "higher is better"
    axes.set_xlabel(f"{COSTS[front.cost].title}, {cost_direction}")
    axes.set_ylabel(f"{front.metric} ({front.declared.unit}), {score_direction}")
    axes.set_title(front.title, loc="left", fontsize=11)
    text = textwrap.fill(_remarks(front), 110)
    axes.figure.supxlabel(text, fontsize=7, color="#555555", x=0.02, ha="left")


def _remarks(front: Front) -> str:
    remarks = ["Filled: no other run is at least as good and at least as cheap"]
    if any(point.interval for point in front.points):
        remarks.append("bars: 95 % intervals")
    return "; ".join([*remarks, *front.notes])


def _draw_labels(axes: Axes, front: Front) -> None:
    """Put each label where it covers least: of other labels, points, intervals, and the frame."""
    scale = front.declared.scale
    obstacles = list(_obstacles(axes, front.points, scale))
    for point in front.points:
        anchor = (point.cost, scale * point.score)
        candidates = [
            _candidate(axes, point, anchor, offset, obstacles) for offset in LABEL_OFFSETS
        ]
        chosen = min(candidates, key=lambda candidate: candidate.overlap)
        for candidate in candidates:
            if candidate is not chosen:
                candidate.text.remove()
        obstacles.append(chosen.box)


def _candidate(
    axes: Axes,
    point: Point,
    anchor: tuple[float, float],
    offset: tuple[int, int],
    obstacles: Sequence[Bbox],
) -> _Candidate:
    x, y = offset
    alignment = "center"
    if x != 0:
        alignment = "left" if x > 0 else "right"
    # A label far from its point is connected to it by a line.
    line = {"arrowstyle": "-", "linewidth": 0.5, "color": "#999999"} if abs(y) > 15 else None
    text: Any = axes.annotate(
        point.name,
        anchor,
        offset,
        textcoords="offset points",
        ha=alignment,
        fontsize=8,
        color=FRONT if point.on_front else BEATEN,
        arrowprops=line,
    )
    box = text.get_window_extent()
    covered = sum(_shared(box, obstacle) for obstacle in obstacles)
    return _Candidate(covered + _outside(box, axes.bbox), text, box)


def _obstacles(axes: Axes, points: Sequence[Point], scale: float) -> Iterator[Bbox]:
    """Boxes in pixels around the points, their intervals, and the line of the front."""
    from matplotlib.transforms import Bbox

    for point in points:
        low, high = point.interval or (point.score, point.score)
        values = [(point.cost, scale * value) for value in (low, point.score, high)]
        (x, below), (_, y), (_, above) = axes.transData.transform(values)
        yield Bbox([[x - 9, y - 9], [x + 9, y + 9]])
        yield Bbox([[x - 2, below], [x + 2, above]])
    front = [(point.cost, scale * point.score) for point in points if point.on_front]
    line = axes.transData.transform(front)
    for (left, start), (right, end) in pairwise(line.tolist()):
        for fraction in (n / 40 for n in range(41)):
            x, y = left + fraction * (right - left), start + fraction * (end - start)
            yield Bbox([[x - 2, y - 2], [x + 2, y + 2]])


def _shared(first: Bbox, second: Bbox) -> float:
    """Area in pixels that two boxes share."""
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return float(max(0.0, width) * max(0.0, height))


def _outside(box: Bbox, frame: Bbox) -> float:
    """Area in pixels of a box outside the frame; it counts four times as much as an overlap."""
    return 4 * (box.width * box.height - _shared(box, frame))
