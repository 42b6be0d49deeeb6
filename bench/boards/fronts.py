"""The front of accuracy and cost: the runs for which no other run is both better and cheaper.

The front is that of the plain scores; their intervals are shown beside it. This module draws
nothing.

    score |        o c        a and c are on the front;
          |   o a             b is beaten by a, which costs less and scores higher
          |       o b
          +------------ cost
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.boards.board_file import Board
from bench.boards.board_runs import score_run
from bench.comparison import contrasts
from bench.comparison.comparability import align
from bench.errors import RunError, UsageError, did_you_mean
from bench.families import Metric
from bench.notices import many
from bench.runs import Run, circumstances

COSTS: Mapping[str, str] = {**{name: name for name in circumstances.COSTS}, "latency": "p50 ms"}
"""What `--cost` accepts, and the name of that cost in `circumstances.COSTS`."""
MORE_IS_BETTER = ("images/s",)


@dataclass(frozen=True)
class Point:
    """A run: its cost in the unit of the axis, its score as a fraction of 1, and its interval."""

    name: str
    cost: float
    score: float
    interval: tuple[float, float] | None
    on_front: bool


@dataclass(frozen=True)
class Front:
    """The content of a plot: the axes, the points sorted by cost, and notes."""

    title: str
    metric: str
    cost: str
    declared: Metric
    more_is_better: bool
    points: tuple[Point, ...]
    notes: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller score is a better one."""
        return self.declared.lower_is_better

    def to_dict(self) -> dict[str, Any]:
        """The front as plain data, for JSON."""
        return {
            "title": self.title,
            "metric": self.metric,
            "unit": self.declared.unit,
            "cost": self.cost,
            "lower_is_better": self.lower_is_better,
            "more_is_better": self.more_is_better,
            "points": [asdict(point) for point in self.points],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class _Costed:
    run: Run
    cost: float
    entry: Mapping[str, Any]


def of_board(board: Board, *, metric: str | None, cost: str) -> Front:
    """The front of the runs of a board, scored under its rules; by default its primary metric.

    Raises:
        RunError, UsageError: as `front`.
    """
    if not board.runs:
        raise RunError(
            f"{board.path} has no run record to plot; published rows have no measured cost"
        )
    runs = [score_run(board.file, run).run for run in board.runs.values()]
    return front(runs, metric=metric or board.file.primary, cost=cost, title=board.file.title)


def front(compared: Sequence[Run], *, metric: str | None, cost: str, title: str = "") -> Front:
    """The front of runs on the same images.

    Raises:
        RunError: the runs cannot be compared, or none has this cost.
        UsageError: unknown metric or cost.
    """
    if cost not in COSTS:
        raise UsageError(f"--cost {cost}: {did_you_mean(cost, COSTS)}")
    query = contrasts.find_metric(compared, metric)
    names = [f"{run.record.name} ({run.record.id[:6]})" for run in compared]
    align(compared, names, query.family)
    column = COSTS[cost]
    costed, left_out = _with_costs(compared, query, cost)
    if not costed:
        hint = "bench run --latency" if column.endswith(" ms") else "bench run"
        raise RunError(f"none of the {len(compared)} runs has the cost {cost}: {hint} measures it")
    data = compared[0].record.dataset
    points = _points(costed, query, more=column in MORE_IS_BETTER)
    return Front(
        title=title or f"{data.title} {data.split}, {many(data.images, 'image')}",
        metric=query.metric,
        cost=column,
        declared=query.declared,
        more_is_better=column in MORE_IS_BETTER,
        points=tuple(sorted(points, key=lambda point: (point.cost, point.name))),
        notes=tuple(_notes([item.run for item in costed], column, left_out)),
    )


def _with_costs(
    compared: Sequence[Run], query: contrasts.MetricQuery, cost: str
) -> tuple[list[_Costed], list[str]]:
    """The runs that have both cost and score, and why the others are left out."""
    costed, left_out = [], []
    for run in compared:
        value, entry = circumstances.cost(run.record, COSTS[cost]), _entry(run, query)
        if value is None:
            left_out.append(f"{run.record.name} has no {cost}")
        elif entry["value"] is None:
            left_out.append(f"{run.record.name} has no {query.metric}")
        else:
            costed.append(_Costed(run, value, entry))
    return costed, left_out


def _points(costed: Sequence[_Costed], query: contrasts.MetricQuery, *, more: bool) -> list[Point]:
    # Signs turn both axes so that smaller is better; then one rule decides which run is beaten.
    cost_sign = -1.0 if more else 1.0
    score_sign = 1.0 if query.lower_is_better else -1.0
    losses = [(cost_sign * item.cost, score_sign * item.entry["value"]) for item in costed]
    points = []
    for item, loss in zip(costed, losses, strict=True):
        beaten = any(_beats(other, loss) for other in losses)
        points.append(
            Point(
                item.run.record.name,
                item.cost,
                item.entry["value"],
                _interval(item.entry),
                not beaten,
            )
        )
    return points


def _beats(other: tuple[float, float], loss: tuple[float, float]) -> bool:
    return other != loss and other[0] <= loss[0] and other[1] <= loss[1]


def _entry(run: Run, query: contrasts.MetricQuery) -> Mapping[str, Any]:
    """The score in the record, with its interval."""
    group: Mapping[str, Any] = run.record.scores.get(query.family.group, {})
    if query.label is not None:
        group = group.get("per_class", {}).get(query.label, {})
    entry: Mapping[str, Any] = group.get(query.name, {"value": None, "interval": None})
    return entry


def _interval(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = entry["interval"] or (None, None)
    return None if low is None or high is None else (low, high)


def _notes(shown: Sequence[Run], column: str, left_out: Sequence[str]) -> list[str]:
    notes = [f"left out: {'; '.join(left_out)}"] if left_out else []
    if column in circumstances.SAME_EVERYWHERE:
        return notes
    devices = {circumstances.device(run.record) for run in shown}
    if len(devices) > 1:
        names = "; ".join(sorted(devices))
        notes.append(f"{column} was measured on different devices and is not comparable: {names}")
    else:
        notes.append(f"{column} on {devices.pop()}")
    return notes
