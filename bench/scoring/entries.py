"""Check that the scores stored in a record have the form that renderers rely on.

Scores can be computed again from the counts, so a malformed score means that another program wrote
or edited `run.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bench.errors import RunError
from bench.families import families
from bench.runs import Run
from bench.scoring import rules_of


class ScoreEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score with its interval, as a record stores it; null if undefined."""

    value: float | None
    interval: tuple[float, float] | None
    level: float


def require_entries(run: Run) -> None:
    """Make sure that every score of the record is well-formed.

    Raises:
        RunError: a score is malformed; the message names the file and the score.
    """
    for path, entry in _entries(run):
        try:
            msgspec.convert(entry, ScoreEntry)
        except msgspec.ValidationError as error:
            problem = str(error).replace("`", "").replace("$.", "")
            raise RunError(
                f"{run.path / 'run.json'}: {path} is not a score ({problem}); "
                'a score has "value", "interval" and "level"'
            ) from None


def _entries(run: Run) -> Iterator[tuple[str, Any]]:
    """Everything in the groups of the record that must be a score, with its path."""
    names = _metric_names(run)
    for name, group in run.record.scores.items():
        for key, entry in group.items():
            path = f"scores.{name}.{key}"
            if key in ("per_class", "per_category"):
                yield from _class_entries(run, path, entry)
            elif key.partition("@")[0] in names or _looks_like_a_score(entry):
                yield path, entry


def _looks_like_a_score(entry: Any) -> bool:
    return isinstance(entry, dict) and bool({"value", "interval"} & set(entry))


def _class_entries(run: Run, path: str, classes: Any) -> Iterator[tuple[str, Any]]:
    """The scores of all classes, given as class name -> metric -> score."""
    malformed = None if isinstance(classes, dict) else path
    if malformed is None:
        wrong = [label for label, scores in classes.items() if not isinstance(scores, dict)]
        malformed = f"{path}.{wrong[0]}" if wrong else None
    if malformed is not None:
        raise RunError(f"{run.path / 'run.json'}: {malformed} is not a table of scores by name")
    for label, scores in classes.items():
        for key, entry in scores.items():
            yield f"{path}.{label}.{key}", entry


def _metric_names(run: Run) -> set[str]:
    """The names that overall scores have in the groups of the record."""
    rules = rules_of(run)
    return {
        metric.name
        for family in families(run.record.tables)
        for metric in family.metrics_under(family.options(rules))
    }
