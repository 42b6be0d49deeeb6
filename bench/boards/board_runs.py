"""The measured half of a board: runs scored under its rules, which of them may stand together, and who is best.

Every statement about what differs comes from `comparison/`; how rows are laid out is the business of `boards.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from bench import scoring
from bench.boards.board_file import BoardFile
from bench.comparison import Comparison, comparability, compare
from bench.comparison.contrasts import class_score
from bench.errors import RunError
from bench.families import FAMILIES, PREFIXES, family, metrics_of
from bench.resample import corrections, ties
from bench.runs import Run
from bench.samples import Array

ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class Measured:
    """A run scored from its counts under the board's rules: an entry with value and interval for each metric."""

    run: Run
    scored: scoring.Scored
    entries: dict[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """The name of the row."""
        return self.run.record.name

    def value(self, metric: str) -> float | None:
        """The score, or None where it is not defined."""
        value = self.entries[metric]["value"]
        return None if value is None or np.isnan(value) else float(value)


@dataclass(frozen=True, eq=False)
class Standing:
    """Who stands where by one metric: by position, who is not significantly worse than the best, letters and ranks."""

    best: tuple[bool, ...]
    letters: tuple[str, ...]
    ranks: tuple[tuple[int, int], ...]


def measured(file: BoardFile, run: Run) -> Measured:
    """Score a run again, under the board's rules of scoring in place of its own."""
    asked = {"classes_in": file.classes_in, "boundary_mode": file.boundary_mode, "interval": "default"}
    rules = {**run.record.protocol["rules"], **asked}
    record = msgspec.structs.replace(run.record, protocol={**run.record.protocol, "rules": rules})
    run = replace(run, record=record)
    shown = [name for name in FAMILIES if name in record.tables and _carry(name, file.metrics, run)]
    scored = scoring.rescore(run, families=tuple(shown))
    found: dict[str, Mapping[str, Any]] = {}
    # As in a comparison, a name that two families share means the first one's.
    for name in reversed(shown):
        prefix, group = PREFIXES.get(name, ""), scored.groups[family(name).GROUP]
        found |= {prefix + metric: entry for metric, entry in group.items()}
        for label, entries in group.get("per_class", {}).items():
            found |= {f"{prefix}{metric}:{label}": entry for metric, entry in entries.items()}
    nothing = {"value": None, "interval": None}
    return Measured(run, scored, {metric: found.get(metric, nothing) for metric in file.metrics})


def part(found: Sequence[Measured], file: BoardFile) -> tuple[list[Measured], list[tuple[Measured, str]]]:
    """Part the runs that may stand together, best first, from the rest, with the reason for each of these in words.

    Those that share rules and truth with most others stay; among equally many, those of the oldest run.
    """
    known = sorted(
        (one for one in found if one.value(file.primary) is not None), key=lambda one: one.run.record.created
    )
    kinds = Counter(_digests(one.run, file.primary) for one in known)
    together: list[Measured] = []
    apart = [
        (one, f"it has no {file.primary}: that was not counted, or no class of it is in the truth")
        for one in found
        if one.value(file.primary) is None
    ]
    model = max(known, key=lambda one: kinds[_digests(one.run, file.primary)], default=None)
    for one in known:
        reason = "" if model is None or one is model else _difference(model, one, file)
        if reason:
            apart.append((one, reason))
        else:
            together.append(one)
    sign = -1 if file.order == "highest first" else 1
    together.sort(key=lambda one: (sign * (one.value(file.primary) or 0.0), one.name))
    return together, apart


def _carry(name: str, metrics: Sequence[str], run: Run) -> bool:
    """Whether a family carries one of these metrics, under the rules of a run."""
    scores = {metric.partition(":")[0].partition("@")[0] for metric in metrics}
    prefix = PREFIXES.get(name, "")
    known = metrics_of(name, scoring.rules_of(run))
    return any(score in known or (prefix and score.startswith(prefix)) for score in scores)


def _digests(run: Run, metric: str) -> tuple[tuple[str, str, str], ...]:
    tables = run.record.tables
    names = [name for name in FAMILIES if name in tables and _carry(name, [metric], run)]
    return tuple((name, tables[name].rules, tables[name].truth) for name in names)


def _difference(model: Measured, one: Measured, file: BoardFile) -> str:
    """Say in words why two runs cannot be compared, by any metric of the board that both hold."""
    for name in FAMILIES:
        both = all(name in each.run.record.tables for each in (model, one))
        if both and _carry(name, file.metrics, model.run):
            try:
                comparability.align((model.run, one.run), (model.name, one.name), family(name))
            except RunError as error:
                return str(error).partition("; --common-images")[0]
    return ""


def standings(
    together: Sequence[Measured], file: BoardFile, progress: Callable[[int], None]
) -> tuple[dict[str, Standing], Comparison | None]:
    """Who stands where, for every metric that two or more runs have, and the comparison by the primary one.

    A score of single classes is compared together with the mean over classes, in the same swaps. `progress` is told how
    many metrics are compared.
    """
    done = 0
    found: dict[str, Standing] = {}
    primary: Comparison | None = None
    for mean, metrics in asked_of(together, file).items():
        progress(done)
        done += len(metrics)
        there = [n for n, one in enumerate(together) if _complete(one, mean, metrics)]
        if len(there) < 2:
            continue
        by_class = any(":" in metric for metric in metrics)
        compared = compare(*(together[n].run for n in there), metric=mean, by_class=by_class, alpha=ALPHA)
        for metric in metrics:
            found[metric] = _standing(compared, metric.partition(":")[2], there, len(together), file)
        primary = compared if file.primary in metrics else primary
    progress(done)
    return found, primary


def asked_of(together: Sequence[Measured], file: BoardFile) -> dict[str, list[str]]:
    """The metrics by the overall metric whose comparison answers them: `IoU:car` goes with `mIoU`."""
    groups = [group for one in together for group in one.scored.groups.values()]
    means: dict[str, str] = {}
    for group in groups:
        scores = {name for entries in group.get("per_class", {}).values() for name in entries}
        means |= {score: name for name in group if (score := class_score(name, dict.fromkeys(scores)))}  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    for metric in file.metrics:
        score, _, label = metric.partition(":")
        found.setdefault(means.get(score, metric) if label else metric, []).append(metric)
    return found


def _complete(one: Measured, mean: str, metrics: Sequence[str]) -> bool:
    names = [metric for metric in metrics if metric == mean or ":" in metric]
    return any(one.value(metric) is not None for metric in names)


def _standing(compared: Comparison, label: str, there: Sequence[int], rows: int, file: BoardFile) -> Standing:
    """The standing by the metric compared or, with a `label`, by one class's, corrected over the pairs of runs."""
    runs = len(compared.names)
    effects = [pair.classes[label] if label else pair.effect for pair in compared.pairs]
    p = corrections.holm(np.array([effect.p_value for effect in effects]))
    differs = np.zeros((runs, runs), dtype=bool)
    scores = np.full(runs, np.nan)
    for pair, effect, corrected in zip(compared.pairs, effects, p, strict=True):
        differs[pair.first, pair.second] = differs[pair.second, pair.first] = corrected <= compared.alpha
        scores[pair.first], scores[pair.second] = effect.first, effect.second
    scores = scores if file.order == "highest first" else -scores
    best = ties.not_worse_than_the_best(scores, differs)
    letters, ranks = ties.letters(scores, differs), ties.rank_intervals(scores, differs)
    return _spread_out(best, letters, ranks, there, rows)


def _spread_out(best: Array, letters: list[str], ranks: Array, there: Sequence[int], rows: int) -> Standing:
    """Put what is known of some rows into all of them: a row that was not compared is not best and has no letter."""
    place = {row: position for position, row in enumerate(there)}
    return Standing(
        tuple(row in place and bool(best[place[row]]) for row in range(rows)),
        tuple(letters[place[row]] if row in place else "" for row in range(rows)),
        tuple(
            (int(ranks[place[row], 0]), int(ranks[place[row], 1])) if row in place else (1, rows) for row in range(rows)
        ),
    )
