"""The measured rows of a board: score runs under its rules, split off incomparable runs, and rank.

All statements about differences come from `bench/comparison`; `rows.py` lays the rows out.
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
from bench.families import Family, families
from bench.resample import corrections, ties
from bench.runs import Run
from bench.samples import Array

ALPHA = 0.05
_UNDEFINED: Mapping[str, Any] = {"value": None, "interval": None}


@dataclass(frozen=True, eq=False)
class Measured:
    """A run scored from its counts under the board's rules: value and interval of each metric."""

    run: Run
    scored: scoring.Scored
    entries: dict[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """The name of the row."""
        return self.run.record.name

    def value(self, metric: str) -> float | None:
        """The score, or None if it is undefined."""
        value = self.entries[metric]["value"]
        return None if value is None or np.isnan(value) else float(value)


@dataclass(frozen=True, eq=False)
class Standing:
    """The standing of all rows by one metric, indexed by position.

    `best` marks the rows that are not significantly worse than the best one; `letters` and `ranks`
    are the groups of ties and the rank intervals.
    """

    best: tuple[bool, ...]
    letters: tuple[str, ...]
    ranks: tuple[tuple[int, int], ...]


def score_run(file: BoardFile, run: Run) -> Measured:
    """Score a run again from its counts, under the scoring rules of the board."""
    rules = {
        **run.record.protocol["rules"],
        "classes_in": file.classes_in,
        "boundary_mode": file.boundary_mode,
        "interval": "default",
    }
    protocol = {**run.record.protocol, "rules": rules}
    run = replace(run, record=msgspec.structs.replace(run.record, protocol=protocol))
    shown = [
        family for family in families(run.record.tables) if _scores_any(family, file.metrics, run)
    ]
    scored = scoring.rescore(run, families=tuple(family.key for family in shown))
    entries: dict[str, Mapping[str, Any]] = {}
    # Two families may share a metric name. As in a comparison, the first family wins, so it is
    # written last.
    for family in reversed(shown):
        group = scored.groups[family.group]
        entries |= {family.full_name(metric): entry for metric, entry in group.items()}
        for label, class_entries in group.get("per_class", {}).items():
            for metric, entry in class_entries.items():
                entries[f"{family.full_name(metric)}:{label}"] = entry
    return Measured(run, scored, {name: entries.get(name, _UNDEFINED) for name in file.metrics})


def split_comparable(
    scored: Sequence[Measured], file: BoardFile
) -> tuple[list[Measured], list[tuple[Measured, str]]]:
    """Split runs into comparable ones, best first, and the others, each with the reason.

    The largest group of runs that share rules and ground truth stays; if two groups are equally
    large, the one with the oldest run stays.
    """
    primary = file.primary
    with_score = [run for run in scored if run.value(primary) is not None]
    with_score.sort(key=lambda run: run.run.record.created)
    apart = [
        (
            run,
            (
                f"it has no {primary}: the metric was not counted, or the ground truth contains "
                "none of its classes"
            ),
        )
        for run in scored
        if run.value(primary) is None
    ]
    sizes = Counter(_digests(run.run, primary) for run in with_score)
    # max() returns the first of equal candidates, and that is the oldest run.
    reference = max(with_score, key=lambda run: sizes[_digests(run.run, primary)], default=None)
    comparable: list[Measured] = []
    for run in with_score:
        same = reference is None or run is reference
        reason = "" if same or reference is None else _difference(reference, run, file)
        if reason:
            apart.append((run, reason))
        else:
            comparable.append(run)
    comparable.sort(key=lambda run: (file.sort_sign * (run.value(primary) or 0.0), run.name))
    return comparable, apart


def _scores_any(family: Family[Any], metrics: Sequence[str], run: Run) -> bool:
    """Whether a family scores one of these metrics under the rules of a run."""
    overall = {metric.partition(":")[0].partition("@")[0] for metric in metrics}
    return not overall.isdisjoint(family.full_names(family.options(scoring.rules_of(run))))


def _digests(run: Run, metric: str) -> tuple[tuple[str, str, str], ...]:
    """What must be equal for two runs to be comparable: rules and ground truth of each family."""
    tables = run.record.tables
    keys = [family.key for family in families(tables) if _scores_any(family, [metric], run)]
    return tuple((key, tables[key].rules, tables[key].truth) for key in keys)


def _difference(reference: Measured, run: Measured, file: BoardFile) -> str:
    """Say why two runs cannot be compared by some metric of the board; "" if they can."""
    shared = [key for key in reference.run.record.tables if key in run.run.record.tables]
    for family in families(shared):
        if not _scores_any(family, file.metrics, reference.run):
            continue
        names = (reference.name, run.name)
        try:
            comparability.align((reference.run, run.run), names, family)
        except RunError as error:
            return str(error).partition("; --common-images")[0]  # boards have no such option
    return ""


def rank_runs(
    comparable: Sequence[Measured], file: BoardFile, progress: Callable[[int], None]
) -> tuple[dict[str, Standing], Comparison | None]:
    """The standing by every metric that at least two runs have, and the primary comparison.

    Class scores are compared together with their mean over classes, in the same permutations.
    `progress` is called with the number of metrics compared so far.
    """
    done = 0
    standings: dict[str, Standing] = {}
    primary: Comparison | None = None
    for compared, metrics in metrics_by_comparison(comparable, file).items():
        progress(done)
        done += len(metrics)
        positions = [n for n, run in enumerate(comparable) if _has_any(run, compared, metrics)]
        if len(positions) < 2:
            continue
        runs = [comparable[n].run for n in positions]
        by_class = any(":" in metric for metric in metrics)
        comparison = compare(*runs, metric=compared, by_class=by_class, alpha=ALPHA)
        for metric in metrics:
            label = metric.partition(":")[2]
            # The board may order its primary metric; all others are best as their families declare.
            lower = comparison.lower_is_better
            if metric == file.primary:
                lower = file.order == "lowest first"
            standings[metric] = _standing(
                comparison, label, positions, len(comparable), lower=lower
            )
        if file.primary in metrics:
            primary = comparison
    progress(done)
    return standings, primary


def metrics_by_comparison(runs: Sequence[Measured], file: BoardFile) -> dict[str, list[str]]:
    """Group the metrics by the overall metric whose comparison covers them.

    For example, the comparison by `mIoU` covers `IoU:car`.
    """
    means: dict[str, str] = {}
    for run in runs:
        rules = scoring.rules_of(run.run)
        for family in families(run.run.record.tables):
            options = family.options(rules)
            for name in run.scored.groups.get(family.group, {}):
                score = class_score(family.metric_or_none(name, options), name)
                if score is not None:
                    means.setdefault(family.full_name(score), family.full_name(name))
    grouped: dict[str, list[str]] = {}
    for metric in file.metrics:
        score_name, _, label = metric.partition(":")
        compared = means.get(score_name, metric) if label else metric
        grouped.setdefault(compared, []).append(metric)
    return grouped


def _has_any(run: Measured, compared: str, metrics: Sequence[str]) -> bool:
    """Whether the run has a value for the compared metric or for one of its class scores."""
    names = [metric for metric in metrics if metric == compared or ":" in metric]
    return any(run.value(metric) is not None for metric in names)


def _standing(
    comparison: Comparison, label: str, positions: Sequence[int], rows: int, *, lower: bool
) -> Standing:
    """The standing by the compared metric or, with a `label`, by the score of that class.

    The p-values of a class are corrected over the pairs of runs, as those of the metric are.
    """
    runs = len(comparison.names)
    effects = [pair.classes[label] if label else pair.effect for pair in comparison.pairs]
    p_values = corrections.holm(np.array([effect.p_value for effect in effects]))
    differs = np.zeros((runs, runs), dtype=bool)
    scores = np.full(runs, np.nan)
    for pair, effect, p_value in zip(comparison.pairs, effects, p_values, strict=True):
        differs[pair.first, pair.second] = p_value <= comparison.alpha
        differs[pair.second, pair.first] = p_value <= comparison.alpha
        scores[pair.first], scores[pair.second] = effect.first, effect.second
    merit = -scores if lower else scores
    best = ties.not_worse_than_the_best(merit, differs)
    letters, ranks = ties.letters(merit, differs), ties.rank_intervals(merit, differs)
    return _for_all_rows(best, letters, ranks, positions, rows)


def _for_all_rows(
    best: Array, letters: list[str], ranks: Array, positions: Sequence[int], rows: int
) -> Standing:
    """Extend a standing to all rows; one that was not compared is not best and has no letter."""
    index_of = {position: index for index, position in enumerate(positions)}
    all_best, all_letters, all_ranks = [], [], []
    for row in range(rows):
        index = index_of.get(row)
        if index is None:
            all_best.append(False)
            all_letters.append("")
            all_ranks.append((1, rows))
        else:
            all_best.append(bool(best[index]))
            all_letters.append(letters[index])
            all_ranks.append((int(ranks[index, 0]), int(ranks[index, 1])))
    return Standing(tuple(all_best), tuple(all_letters), tuple(all_ranks))
