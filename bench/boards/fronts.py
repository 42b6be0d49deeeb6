"""The front of accuracy and cost: which runs are not beaten by another that is better, and no dearer, or the reverse.

The front is that of the plain scores; how sure each is, its interval says. This module knows no picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.boards.board_file import Board
from bench.boards.board_runs import measured
from bench.comparison import contrasts
from bench.comparison.comparability import align
from bench.errors import RunError, UsageError, did_you_mean
from bench.notices import many
from bench.runs import Run, circumstances

COSTS: Mapping[str, str] = {**{name: name for name in circumstances.COSTS}, "latency": "p50 ms"}
"""What a person may call a cost, and its name among the figures of a run."""
MORE_IS_BETTER = ("images/s",)


@dataclass(frozen=True)
class Point:
    """A run: its cost in the unit of the axis, its score as a fraction of 1, and whether it is on the front."""

    name: str
    cost: float
    score: float
    interval: tuple[float, float] | None
    on_front: bool


@dataclass(frozen=True)
class Front:
    """All that a plot shows: what the axes are, the points by cost, and remarks in words."""

    title: str
    metric: str
    cost: str
    lower_is_better: bool
    more_is_better: bool
    points: tuple[Point, ...]
    notes: tuple[str, ...]


def of_board(board: Board, *, metric: str | None, cost: str) -> Front:
    """The front of the runs of a board, scored under its rules; by its primary metric if none is named.

    Raises:
        RunError, UsageError: as `front`.
    """
    found = [measured(board.file, run) for run in board.runs.values()]
    if not found:
        raise RunError(
            f"{board.path} holds no run record yet, and published rows tell no cost: there is nothing to plot"
        )
    return front([one.run for one in found], metric=metric or board.file.primary, cost=cost, title=board.file.title)


def front(compared: Sequence[Run], *, metric: str | None, cost: str, title: str = "") -> Front:
    """The front of runs on the same images.

    Raises:
        RunError: runs that cannot be compared, or none of which has the cost.
        UsageError: no such metric or cost.
    """
    if cost not in COSTS:
        raise UsageError(f"--cost {cost}: {did_you_mean(cost, COSTS)}")
    asked = contrasts.question(compared, metric)
    names = [run.record.name for run in compared]
    align(compared, [f"{name} ({run.record.id[:6]})" for name, run in zip(names, compared, strict=True)], asked.family)
    column = COSTS[cost]
    known: list[tuple[Run, float, Mapping[str, Any]]] = []
    left_out = []
    for run in compared:
        value, entry = circumstances.cost(run.record, column), _entry(run, asked)
        if value is None or entry["value"] is None:
            left_out.append(f"{run.record.name} has no {cost if value is None else asked.metric}")
        else:
            known.append((run, value, entry))
    if not known:
        hint = ": bench run --latency measures it" if column.endswith(" ms") else ", which bench run measures"
        raise RunError(f"none of the {len(compared)} runs has a figure of {cost}{hint}")
    more, lower = column in MORE_IS_BETTER, asked.lower_is_better
    # With both as what should be small, one rule tells who is beaten.
    merits = [(-value if more else value, entry["value"] if lower else -entry["value"]) for _, value, entry in known]
    points = [
        Point(run.record.name, value, entry["value"], _interval(entry), not any(_beats(other, own) for other in merits))
        for (run, value, entry), own in zip(known, merits, strict=True)
    ]
    data = compared[0].record.dataset
    return Front(
        title=title or f"{data.title} {data.split}, {many(data.images, 'image')}",
        metric=asked.metric,
        cost=column,
        lower_is_better=lower,
        more_is_better=more,
        points=tuple(sorted(points, key=lambda point: (point.cost, point.name))),
        notes=tuple(_notes([run for run, _, _ in known], column, left_out)),
    )


def _beats(other: tuple[float, float], own: tuple[float, float]) -> bool:
    return other != own and other[0] <= own[0] and other[1] <= own[1]


def _entry(run: Run, asked: contrasts.Question) -> Mapping[str, Any]:
    """The score asked for as the record has it, with its interval."""
    group: Mapping[str, Any] = run.record.scores.get(asked.family.GROUP, {})
    entries = group if asked.label is None else group.get("per_class", {}).get(asked.label, {})
    found: Mapping[str, Any] = entries.get(asked.name, {"value": None, "interval": None})
    return found


def _interval(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = entry["interval"] or (None, None)
    return None if low is None or high is None else (low, high)


def _notes(shown: Sequence[Run], column: str, left_out: Sequence[str]) -> list[str]:
    notes = [f"left out: {'; '.join(left_out)}"] if left_out else []
    depends = column not in circumstances.SAME_EVERYWHERE
    devices = {circumstances.device(run.record) for run in shown}
    if depends and len(devices) > 1:
        notes.append(f"{column} of several devices are no fair race: {'; '.join(sorted(devices))}")
    elif depends:
        notes.append(f"{column} on {devices.pop()}")
    return notes
