"""Whether the scores that a record holds have the form that everything which shows them relies on.

They can be made again from the counts; what is wrong here was written, or edited, by something else than bench.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bench.errors import RunError
from bench.families import families
from bench.runs import Run
from bench.scoring import rules_of


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score: a fraction of 1, or null where it is not defined, with its interval."""

    value: float | None
    interval: tuple[float, float] | None
    level: float


def require_entries(run: Run) -> None:
    """Make sure that every score of the record is one.

    Raises:
        RunError: one is not; names the file and where in it.
    """
    for where, found in _entries(run):
        try:
            msgspec.convert(found, Entry)
        except msgspec.ValidationError as error:
            what = str(error).replace("`", "").replace("$.", "")
            form = 'a score is {"value", "interval", "level"}'
            raise RunError(f"{run.path / 'run.json'}: {where} is no score ({what}); {form}") from None


def _entries(run: Run) -> Iterator[tuple[str, Any]]:
    """Everything in the record's groups that must be a score, and where it stands."""
    for name, group in run.record.scores.items():
        metrics = {metric for metric in _metrics(run) if metric}
        for key, entry in group.items():
            place = f"scores.{name}.{key}"
            if key in ("per_class", "per_category"):
                yield from _of_classes(run, place, entry)
            elif key.partition("@")[0] in metrics or (isinstance(entry, dict) and {"value", "interval"} & set(entry)):
                yield place, entry


def _of_classes(run: Run, place: str, classes: Any) -> Iterator[tuple[str, Any]]:
    rows = classes if isinstance(classes, dict) else {}
    wrong = [label for label, scores in rows.items() if not isinstance(scores, dict)]
    if not isinstance(classes, dict) or wrong:
        where = ".".join([place, *wrong[:1]])
        raise RunError(f"{run.path / 'run.json'}: {where} is no table of scores by name")
    for label, scores in rows.items():
        for key, entry in scores.items():
            yield f"{place}.{label}.{key}", entry


def _metrics(run: Run) -> set[str]:
    """The names of overall scores, as the families of the record have them in their groups."""
    found, rules = set[str](), rules_of(run)
    for each in families(run.record.tables):
        found |= {metric.name for metric in each.metrics_under(each.options(rules))}
    return found
