"""The scores of an evaluation for Python: by name, by class, with intervals, as a dict, a data
frame or a table.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.argument_names import python_words
from bench.errors import UsageError, did_you_mean
from bench.families import Metric
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.runs import Run
from bench.scoring import Scored

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 40
"""Scores that `print` and notebooks show."""


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Scores, NaN if a score is not defined: fractions of 1, or values in the unit of the metric.

    Scores of the first group are called by their names alone (`mIoU`); scores of other groups have
    the group in front if the first group has the same name (`boxes/AP`). `run` is the run record,
    if a model was evaluated. `selected` are the metrics, by group, that `print` and notebooks show;
    if it is empty, they show all.

    >>> import bench, numpy as np
    >>> evaluator = bench.Evaluator(["road", "car"])
    >>> evaluator.update(truth=np.array([[0, 0, 1, 1]]), prediction=np.array([[0, 1, 1, 1]]))
    >>> result = evaluator.result()
    >>> result["pixel_accuracy"], result.per_class["road"]["IoU"]
    (0.75, 0.5)
    """

    scored: Scored
    title: str
    images: int
    run: Run | None = None
    selected: Mapping[str, Collection[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """The score of this name.

        Raises:
            UsageError: there is no such score; the message has the closest names.
        """
        if name not in self.scores:
            raise UsageError(f"there is no score {name!r}: {did_you_mean(name, self.scores)}")
        return self.scores[name]

    @cached_property
    def scores(self) -> dict[str, float]:
        """Name -> value."""
        return {name: _number(entry["value"]) for name, entry in self._entries.items()}

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """Name -> low and high end of the 95 % interval, or None."""
        ends = {name: entry["interval"] for name, entry in self._entries.items()}
        return {name: (pair[0], pair[1]) if pair else None for name, pair in ends.items()}

    @cached_property
    def per_class(self) -> dict[str, dict[str, float]]:
        """Name of a class -> name of a score -> value."""
        table: dict[str, dict[str, float]] = {}
        for group in self.scored.groups.values():
            for label, entries in group.get("per_class", {}).items():
                for name, entry in entries.items():
                    table.setdefault(label, {}).setdefault(name, _number(entry["value"]))
        return table

    @property
    def warnings(self) -> list[str]:
        """What a reader of the scores should know, a sentence each."""
        return [python_words(notice.message) for notice in self.scored.warnings]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON: scores that are not defined are None."""
        return {
            "title": self.title,
            "images": self.images,
            "scores": {name: _or_none(value) for name, value in self.scores.items()},
            "intervals": {
                name: list(ends) if ends else None for name, ends in self.intervals.items()
            },
            "per_class": {
                label: {name: _or_none(value) for name, value in scores.items()}
                for label, scores in self.per_class.items()
            },
            "warnings": self.warnings,
        }

    def to_pandas(self, *, per_class: bool = False) -> pd.DataFrame:
        """A row per score with value, low and high; or with `per_class` a row per class, a column
        per score.
        """
        from pandas import DataFrame

        if per_class:
            return DataFrame.from_dict(self.per_class, orient="index").rename_axis("class")
        rows = {
            name: {"value": value, **dict(zip(("low", "high"), self._ends(name), strict=True))}
            for name, value in self.scores.items()
        }
        return DataFrame.from_dict(rows, orient="index").rename_axis("metric")

    def __repr__(self) -> str:
        """A line per score, in percent or in its unit, with its interval."""
        rows = self._rows()
        width = max((len(row.name) for row in rows), default=0)
        lines = [f"{self.title}: {many(self.images, 'image')}"]
        for row in rows[:_SHOWN]:
            value = row.value if row.unit == PERCENT else f"{row.value} {row.unit}"
            lines.append(
                f"  {row.name:<{width}}  {value:>6}{'  ' * bool(row.interval)}{row.interval}"
            )
        if len(rows) > _SHOWN:
            lines.append(f"  and {len(rows) - _SHOWN} more, in .scores")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same table for notebooks."""
        rows = self._rows()
        units = {row.unit for row in rows}
        unit = units.pop() if len(units) == 1 else ""
        body = "".join(_html_row(row, with_unit=not unit) for row in rows[:_SHOWN])
        head = f"<tr><th></th><th>{escape(unit)}</th><th>95 % interval</th></tr>"
        more = len(rows) - _SHOWN
        note = f"<p>and {more} more, in .scores</p>" if more > 0 else ""
        caption = escape(f"{self.title}: {many(self.images, 'image')}")
        return f"<table><caption>{caption}</caption>{head}{body}</table>{note}"

    def _rows(self) -> list[_Row]:
        """The scores to show: all overall ones, or those that are selected.

        The score of a class is shown where its metric is selected and has no overall score.
        """
        rows = []
        names: set[str] = set()
        for group, score, entry in self._all():
            name = score if score not in names else f"{group}/{score}"
            names.add(name)
            if not self.selected or score.partition("@")[0] in self.selected.get(group, ()):
                rows.append(_row(name, self._metric(group, score), entry))
        for group, scores in self.selected.items():
            for label, entries in self.scored.groups[group].get("per_class", {}).items():
                rows += [
                    _row(f"{score}:{label}", self._metric(group, score), entry)
                    for score, entry in entries.items()
                    if score in scores and score not in self.scored.groups[group]
                ]
        return rows

    def _metric(self, group: str, score: str) -> Metric:
        return self.scored.metrics[group][score.partition("@")[0]]

    def _ends(self, name: str) -> tuple[float, float]:
        return self.intervals[name] or (math.nan, math.nan)

    @cached_property
    def _entries(self) -> dict[str, Mapping[str, Any]]:
        entries: dict[str, Mapping[str, Any]] = {}
        for group, name, entry in self._all():
            entries[name if name not in entries else f"{group}/{name}"] = entry
        return entries

    def _all(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for group, entries in self.scored.groups.items():
            for name, entry in entries.items():
                if isinstance(entry, Mapping) and "value" in entry:
                    yield group, name, entry


class _Row(NamedTuple):
    """A score as `print` and notebooks show it; the interval is "" if there is none."""

    name: str
    value: str
    interval: str
    unit: str


def _row(name: str, metric: Metric, entry: Mapping[str, Any]) -> _Row:
    return _Row(name, metric.number(entry["value"]), metric.ends(entry["interval"]), metric.unit)


def _html_row(row: _Row, *, with_unit: bool) -> str:
    value = f"{row.value} {escape(row.unit)}" if with_unit else row.value
    return (
        '<tr><th style="text-align: '
        f'left">{escape(row.name)}</th><td>{value}</td><td>{row.interval}</td></tr>'
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
