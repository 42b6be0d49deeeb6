"""The scores of an evaluation as plain numbers: by name, by class, with intervals, and as a short table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.errors import UsageError, did_you_mean
from bench.evaluation.speaking import in_words
from bench.notices import many
from bench.runs import Run
from bench.scoring import Scored

_SHOWN = 40
"""Scores that a result shows of itself."""


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Scores in [0, 1], NaN where one is not defined.

    Scores of the first group go by their names alone (`mIoU`), those of further groups after the group's name where the
    first has the same (`boxes/AP`). `run` is the run record that follows from them, where a data set was evaluated.
    """

    scored: Scored
    title: str
    images: int
    run: Run | None = None

    def __getitem__(self, name: str) -> float:
        """The score of this name.

        Raises:
            UsageError: there is none; the message has the closest names.
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
        """Name -> low and high of the 95 % interval, None where there is none."""
        found = {name: entry["interval"] for name, entry in self._entries.items()}
        return {name: (ends[0], ends[1]) if ends else None for name, ends in found.items()}

    @cached_property
    def per_class(self) -> dict[str, dict[str, float]]:
        """Name of a class -> name of a score -> value."""
        found: dict[str, dict[str, float]] = {}
        for group in self.scored.groups.values():
            for label, entries in group.get("per_class", {}).items():
                for name, entry in entries.items():
                    found.setdefault(label, {}).setdefault(name, _number(entry["value"]))
        return found

    @property
    def warnings(self) -> list[str]:
        """What a reader of the scores should know."""
        return [in_words(each.message) for each in self.scored.warnings]

    def __repr__(self) -> str:
        """A line for each score, in percent, with its interval."""
        width = max(len(name) for name in self.scores)
        lines = [f"{self.title}: {many(self.images, 'image')}"]
        for name, value in list(self.scores.items())[:_SHOWN]:
            ends = self.intervals[name]
            told = f"  [{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]" if ends else ""
            lines.append(f"  {name:<{width}}  {'-' if math.isnan(value) else f'{100 * value:.2f}':>6}{told}")
        if len(self.scores) > _SHOWN:
            lines.append(f"  and {len(self.scores) - _SHOWN} more, in .scores")
        return "\n".join(lines)

    @cached_property
    def _entries(self) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for group, name, entry in self._all():
            found[name if name not in found else f"{group}/{name}"] = entry
        return found

    def _all(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for group, entries in self.scored.groups.items():
            for name, entry in entries.items():
                if isinstance(entry, Mapping) and "value" in entry:
                    yield group, name, entry


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
