"""The scores of an evaluation for Python: by name, by class, with intervals, as a dict, a data frame or a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from bench.argument_names import python_words
from bench.errors import UsageError, did_you_mean
from bench.notices import many
from bench.runs import Run
from bench.scoring import Scored

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 40
"""Scores that `print` and notebooks show."""


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Scores in [0, 1], NaN if a score is not defined.

    Scores of the first group are called by their names alone (`mIoU`); scores of other groups have
    the group in front if the first group has the same name (`boxes/AP`). `run` is the run record, if
    a model was evaluated.

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
            "intervals": {name: list(ends) if ends else None for name, ends in self.intervals.items()},
            "per_class": {
                label: {name: _or_none(value) for name, value in scores.items()}
                for label, scores in self.per_class.items()
            },
            "warnings": self.warnings,
        }

    def to_pandas(self, *, per_class: bool = False) -> pd.DataFrame:
        """A row per score with value, low and high; or with `per_class` a row per class, a column per score."""
        from pandas import DataFrame

        if per_class:
            return DataFrame.from_dict(self.per_class, orient="index").rename_axis("class")
        rows = {
            name: {"value": value, **dict(zip(("low", "high"), self._ends(name), strict=True))}
            for name, value in self.scores.items()
        }
        return DataFrame.from_dict(rows, orient="index").rename_axis("metric")

    def __repr__(self) -> str:
        """A line per score, in percent, with its interval."""
        width = max(len(name) for name in self.scores)
        lines = [f"{self.title}: {many(self.images, 'image')}"]
        for name, value, interval in self._cells():
            lines.append(f"  {name:<{width}}  {value:>6}{'  ' * bool(interval)}{interval}")
        if len(self.scores) > _SHOWN:
            lines.append(f"  and {len(self.scores) - _SHOWN} more, in .scores")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same table for notebooks."""
        rows = "".join(
            f'<tr><th style="text-align: left">{escape(name)}</th><td>{value}</td><td>{interval}</td></tr>'
            for name, value, interval in self._cells()
        )
        head = "<tr><th></th><th>%</th><th>95 % interval</th></tr>"
        more = len(self.scores) - _SHOWN
        note = f"<p>and {more} more, in .scores</p>" if more > 0 else ""
        caption = escape(f"{self.title}: {many(self.images, 'image')}")
        return f"<table><caption>{caption}</caption>{head}{rows}</table>{note}"

    def _cells(self) -> Iterator[tuple[str, str, str]]:
        """Name, value and interval of the first scores, in percent."""
        for name, value in list(self.scores.items())[:_SHOWN]:
            ends = self.intervals[name]
            interval = f"[{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]" if ends else ""
            yield name, "-" if math.isnan(value) else f"{100 * value:.2f}", interval

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


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
